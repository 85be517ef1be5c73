// mfrc522-rpi ships no types. Only what the till uses stands here.
declare module 'mfrc522-rpi' {
  /** `status` is true when all went well; `bitSize` counts the bits of a frame that came back. */
  export type Answer = { status: boolean; data: number[]; bitSize: number }

  export default class Driver {
    constructor(bus: { open(): void; write(out: Uint8Array): void; transfer(out: Uint8Array): Uint8Array })
    reset(): unknown
    writeRegister(register: number, value: number): void
    readRegister(register: number): number
    findCard(): { status: boolean | null; bitSize: number | null }
    toCard(command: number, bytes: number[]): Answer
    getUid(): { status: boolean; data: number[] }
    selectCard(uid: number[]): number
    calculateCRC(bytes: number[]): number[]
    authenticate(block: number, key: number[], uid: number[]): boolean
    getDataForBlock(block: number): number[]
    writeDataToBlock(block: number, bytes: number[]): void
  }
}

declare module 'mfrc522-rpi/commands.js' {
  const commands: {
    readonly PCD_IDLE: number
    readonly PCD_CALCCRC: number
    readonly PCD_TRANSCEIVE: number
    readonly PCD_AUTHENT: number
    readonly PCD_RESETPHASE: number
    readonly PICC_REQALL: number
    readonly PICC_AUTHENT1A: number
    readonly PICC_HALT: number
    readonly CommandReg: number
    readonly CommIrqReg: number
    readonly DivIrqReg: number
    readonly ErrorReg: number
    readonly Status2Reg: number
    readonly FIFODataReg: number
    readonly FIFOLevelReg: number
    readonly ControlReg: number
    readonly BitFramingReg: number
    readonly ModeReg: number
    readonly TxControlReg: number
    readonly TxAutoReg: number
    readonly CRCResultRegM: number
    readonly CRCResultRegL: number
    readonly TModeReg: number
    readonly TPrescalerReg: number
    readonly TReloadRegH: number
    readonly TReloadRegL: number
    readonly VersionReg: number
  }
  export default commands
}
