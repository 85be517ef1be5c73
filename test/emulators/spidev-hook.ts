import { registerHooks } from 'node:module'

/** Loaded before the terminal's own code, this puts the emulated reader where the Pi has its SPI driver. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'spi-device') return next(specifier, context)
    return { url: new URL('./spidev.ts', import.meta.url).href, format: 'module-typescript', shortCircuit: true }
  },
})
