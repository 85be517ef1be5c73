// spi-device is native and optional: it is installed on the Raspberry Pi only, so the few calls we make are typed here.
declare module 'spi-device' {
  type Message = {
    sendBuffer: Buffer
    receiveBuffer: Buffer
    byteLength: number
    speedHz: number
    chipSelectChange: boolean
  }
  type Device = { transferSync(messages: Message[]): void; closeSync(): void }
  const spiDevice: {
    openSync(bus: number, device: number, options: { mode: 0; maxSpeedHz: number }): Device
  }
  export default spiDevice
}
