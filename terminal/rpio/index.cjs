'use strict'

// mfrc522-rpi loads rpio at the top, but uses it for the reset pin and the buzzer only. rpio builds neither on
// today's Node nor on a Raspberry Pi 5, so this takes its place; a call that would need a pin says so.
module.exports = new Proxy(
  {},
  {
    get(_target, name) {
      throw new Error(`rpio.${String(name)}: Klubkort drives no GPIO pins; tie RST to 3V3`)
    },
  },
)
