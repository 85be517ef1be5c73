import type { Duplex } from 'node:stream'
import type { Panel, PanelComponent, PanelPage } from '../../terminal/screen/panel.ts'

/** One component as the display draws it now: as flashed, with the text it has been given. */
export type ShownComponent = Omit<PanelComponent, 'press' | 'label' | 'hidden' | 'maxLength'>

/** What is to be seen: JSON, for a page that draws the display. `page` is null while the power is off. */
export type NextionState = {
  width: number
  height: number
  page: { id: number; name: string; look: PanelPage['look'] } | null
  components: ShownComponent[]
}

/**
 * What can go wrong with an answer (a status, a page, a value; not a touch), or with a command before it is read.
 * `split` sends it byte by byte, `garbage` puts bytes before it, `twice` sends it doubled, `late` holds it and all behind
 * it back.
 */
export type NextionFault =
  | { kind: 'drop_answer' }
  | { kind: 'drop_command' }
  | { kind: 'split' }
  | { kind: 'twice' }
  | { kind: 'garbage'; bytes: Uint8Array }
  | { kind: 'late'; ms: number }

/**
 * A Nextion display from its serial line inwards: bytes of commands in, bytes of answers and touches out (Nextion
 * Instruction Set; the answers follow `bkcmd`, 2 after power-on).
 */
export type NextionEmulator = {
  /** Wires the display to its end of a line; a line plugged in before is let go. */
  plug(wire: Duplex): void
  /** A finger on a button of the page shown, and off again. False when there is no such button in sight. */
  press(component: string): boolean
  /** Puts any bytes on the line, as noise or a faulty display would. */
  send(bytes: Uint8Array): void
  state(): NextionState
  /** The commands read since the emulator was made, as text, without their ends. */
  readonly commands: readonly string[]
  /** The sounds played since the emulator was made, by their numbers. */
  readonly played: readonly number[]
  /** Falls asleep, as a display flashed to do so does when nothing happens; it then takes only `sleep=0`. */
  fallAsleep(): void
  /** Wakes, as at a touch: the page is loaded anew. */
  wake(): void
  powerOff(): void
  /** Starts anew at page 0. `silent` leaves out the start messages, which real displays sometimes do. */
  powerOn(options?: { silent?: boolean }): void
  /** Lets the next `times` answers (or commands) go wrong. Several faults add up, in the order given. */
  fail(fault: NextionFault, times?: number): void
}

/** `sendmeStatus`: some firmware sends a status as well as the page that `sendme` asks for. `model`: what it is. */
export type NextionEmulatorOptions = { onChange?: () => void; sendmeStatus?: 'before' | 'after'; model?: string }

const BUFFER_BYTES = 1024
const OK = 0x01
const INVALID_INSTRUCTION = 0x00
const INVALID_COMPONENT = 0x02
const INVALID_PAGE = 0x03
const INVALID_VARIABLE = 0x1a
const INVALID_OPERATION = 0x1b
const INVALID_QUANTITY = 0x1e
const INVALID_ESCAPE = 0x20
const OVERFLOW = 0x24
const END = [0xff, 0xff, 0xff]
const SYSTEM_VARIABLES = ['bkcmd', 'dim', 'dims', 'baud', 'bauds', 'sendxy', 'thsp', 'thup', 'ussp', 'usup']

type Live = { flashed: PanelComponent; text: string; value: number; visible: boolean }
/** What a command came to: a status to send as `bkcmd` says, a value in its place, or nothing more. */
type Result = { status: number } | { data: Uint8Array } | { told: true }

function status(code: number): Result {
  return { status: code }
}

/** A display flashed with `panel`, powered on. Commands are read one per turn of the event loop. */
export function emulateNextion(panel: Panel, options: NextionEmulatorOptions = {}): NextionEmulator {
  const commands: string[] = []
  const played: number[] = []
  const faults: { fault: NextionFault; times: number }[] = []
  const outbox: { bytes: Uint8Array; delayMs?: number }[] = []
  const system = new Map<string, number>()
  let unplug = () => {}
  let wire: Duplex | null = null
  let powered = false
  let asleep = false
  let inbox = Buffer.alloc(0)
  let reading = false
  let sending = false
  let page: PanelPage | null = null
  let live: Live[] = []

  function changed(): void {
    options.onChange?.()
  }

  function showPage(wanted: PanelPage): void {
    page = wanted
    live = wanted.components.map((flashed) => ({ flashed, text: flashed.text, value: 0, visible: !flashed.hidden }))
    changed()
  }

  function component(name: string): Live | undefined {
    return live.find(({ flashed }) => flashed.name === name || String(flashed.id) === name)
  }

  function takeFault<K extends NextionFault['kind']>(kind: K): Extract<NextionFault, { kind: K }> | null {
    const index = faults.findIndex(({ fault, times }) => fault.kind === kind && times > 0)
    const entry = faults[index]
    if (!entry) return null
    entry.times -= 1
    if (entry.times === 0) faults.splice(index, 1)
    return entry.fault as Extract<NextionFault, { kind: K }>
  }

  /** Chunks leave in order, one per turn of the event loop, so that a reader sees them apart. */
  function transmit(bytes: Uint8Array, delayMs?: number): void {
    outbox.push(delayMs === undefined ? { bytes } : { bytes, delayMs })
    if (!sending) sendNext()
  }

  function sendNext(): void {
    const next = outbox.shift()
    sending = next !== undefined
    if (!next) return
    const leave = () => {
      if (wire && !wire.destroyed) wire.write(Buffer.from(next.bytes))
      setImmediate(sendNext)
    }
    if (next.delayMs === undefined) leave()
    else setTimeout(leave, next.delayMs)
  }

  function answer(bytes: Uint8Array): void {
    if (takeFault('drop_answer')) return
    const garbage = takeFault('garbage')
    const split = takeFault('split')
    const late = takeFault('late')
    const once = garbage ? Buffer.concat([garbage.bytes, bytes]) : bytes
    const whole = takeFault('twice') ? Buffer.concat([once, bytes]) : once
    const chunks = split ? Array.from(whole, (byte) => Uint8Array.of(byte)) : [whole]
    for (const [index, chunk] of chunks.entries()) transmit(chunk, index === 0 ? late?.ms : undefined)
  }

  function receive(chunk: Uint8Array): void {
    if (!powered) return
    inbox = Buffer.concat([inbox, chunk])
    if (inbox.length > BUFFER_BYTES) {
      inbox = Buffer.alloc(0)
      answer(Uint8Array.of(OVERFLOW, ...END))
      return
    }
    if (!reading) {
      reading = true
      setImmediate(read)
    }
  }

  function read(): void {
    reading = false
    const end = inbox.indexOf(Uint8Array.from(END))
    if (!powered || end < 0) return
    const command = inbox.subarray(0, end).toString('latin1')
    inbox = inbox.subarray(end + END.length)
    reading = true
    setImmediate(read)
    if (takeFault('drop_command')) return
    if (asleep && command !== 'sleep=0') return
    commands.push(command)
    const result = execute(command)
    if ('data' in result) answer(result.data)
    else if ('status' in result && isTold(result.status)) answer(Uint8Array.of(result.status, ...END))
  }

  function isTold(code: number): boolean {
    const level = system.get('bkcmd') ?? 0
    // An unknown instruction is answered at every level.
    return code === INVALID_INSTRUCTION || (code === OK ? level === 1 || level === 3 : level >= 2)
  }

  function execute(command: string): Result {
    const assignment = /^([A-Za-z]\w*)(?:\.(\w+))?(\+?=)(.*)$/s.exec(command)
    if (assignment) {
      const [, name = '', attribute, operator, expression = ''] = assignment
      return attribute === undefined ? setSystem(name, expression) : set(name, attribute, operator === '+=', expression)
    }
    const [, instruction, parameters = ''] = /^([a-z]\w*)(?: (.*))?$/s.exec(command) ?? []
    switch (instruction) {
      case 'connect':
        return {
          data: Buffer.concat([
            Buffer.from(
              `comok 1,101-0,${options.model ?? 'NX8048T050_011R'},163,61488,D264B8204F0E1828,16777216`,
              'latin1',
            ),
            Uint8Array.from(END),
          ]),
        }
      case 'sendme':
        if (options.sendmeStatus === 'before') answer(Uint8Array.of(OK, ...END))
        answer(Uint8Array.of(0x66, page?.id ?? 0, ...END))
        return options.sendmeStatus === 'after' ? status(OK) : { told: true }
      case 'page':
        return goTo(parameters)
      case 'vis':
        return show(parameters)
      case 'ref':
        return component(parameters) ? status(OK) : status(INVALID_COMPONENT)
      case 'get':
        return get(parameters)
      case 'play':
        return play(parameters)
      case 'rest':
        powerOn()
        return { told: true }
      default:
        return status(INVALID_INSTRUCTION)
    }
  }

  function goTo(target: string): Result {
    if (target === '') return status(INVALID_QUANTITY)
    const wanted = panel.pages.find(({ id, name }) => name === target || String(id) === target)
    if (!wanted) return status(INVALID_PAGE)
    showPage(wanted)
    return status(OK)
  }

  function show(parameters: string): Result {
    const [name, on, ...more] = parameters.split(',')
    if (!name || on === undefined || more.length > 0) return status(INVALID_QUANTITY)
    const targets = name === '255' ? live : live.filter((each) => each === component(name))
    if (targets.length === 0 && name !== '255') return status(INVALID_COMPONENT)
    if (on !== '0' && on !== '1') return status(INVALID_OPERATION)
    for (const target of targets) target.visible = on === '1'
    changed()
    return status(OK)
  }

  /** Only the Intelligent series has a loudspeaker, and knows the word. */
  function play(parameters: string): Result {
    if (!/^NX\d+P/.test(options.model ?? '')) return status(INVALID_INSTRUCTION)
    const [, sound] = /^0,(\d{1,3}),0$/.exec(parameters) ?? []
    if (sound === undefined) return status(INVALID_QUANTITY)
    played.push(Number(sound))
    return status(OK)
  }

  function wake(): void {
    if (!powered || !asleep) return
    asleep = false
    if (page) showPage(page)
    transmit(Uint8Array.of(0x87, ...END))
  }

  function setSystem(name: string, expression: string): Result {
    if (name === 'sleep' && expression === '0') {
      wake()
      return status(OK)
    }
    if (!SYSTEM_VARIABLES.includes(name)) return status(INVALID_VARIABLE)
    if (!/^\d{1,9}$/.test(expression)) return status(INVALID_OPERATION)
    system.set(name, Number(expression))
    return status(OK)
  }

  function set(name: string, attribute: string, append: boolean, expression: string): Result {
    const target = component(name)
    if (!target) return status(INVALID_VARIABLE)
    if (attribute === 'txt' && target.flashed.kind !== 'picture') {
      const value = textOf(expression)
      if (typeof value === 'number') return status(value)
      target.text = (append ? target.text + value : value).slice(0, target.flashed.maxLength)
    } else if (attribute === 'val') {
      if (!/^-?\d{1,10}$/.test(expression)) return status(INVALID_OPERATION)
      target.value = (append ? target.value + Number(expression) : Number(expression)) | 0
    } else {
      return status(INVALID_VARIABLE)
    }
    changed()
    return status(OK)
  }

  /** Operands joined by '+': literals and other components' text. A number is the status of what is wrong. */
  function textOf(expression: string): string | number {
    const operand = /(?:"((?:[^"\\]|\\.)*)"|(\w+)\.txt)(\+|$)/sy
    let value = ''
    for (let joined = true; joined; ) {
      const match = operand.exec(expression)
      if (!match) return INVALID_OPERATION
      const [, literal, name, join] = match
      if (name !== undefined) {
        const other = component(name)
        if (!other) return INVALID_VARIABLE
        value += other.text
      } else {
        const plain = unescaped(literal ?? '')
        if (plain === null) return INVALID_ESCAPE
        value += plain
      }
      joined = join === '+'
    }
    return value
  }

  function get(parameter: string): Result {
    const [name = '', attribute] = parameter.split('.')
    const target = component(name)
    const value = attribute === 'val' ? target?.value : attribute === undefined ? system.get(name) : undefined
    if (attribute === 'txt' && target) {
      return { data: Buffer.concat([Uint8Array.of(0x70), Buffer.from(target.text, 'latin1'), Uint8Array.from(END)]) }
    }
    if (value === undefined) return status(INVALID_VARIABLE)
    const data = Buffer.alloc(8, 0xff)
    data.writeUInt8(0x71)
    data.writeInt32LE(value, 1)
    return { data }
  }

  function powerOn({ silent = false }: { silent?: boolean } = {}): void {
    powered = true
    asleep = false
    inbox = Buffer.alloc(0)
    system.clear()
    for (const name of SYSTEM_VARIABLES) system.set(name, 0)
    system.set('bkcmd', 2)
    const first = panel.pages[0]
    if (!first) throw new RangeError('a panel has at least one page')
    showPage(first)
    if (silent) return
    transmit(Uint8Array.of(0, 0, 0, ...END))
    transmit(Uint8Array.of(0x88, ...END))
  }

  powerOn()

  return {
    plug(end) {
      unplug()
      wire = end
      const onData = (chunk: Uint8Array) => receive(chunk)
      // A line that breaks is the till's trouble; the display just hears nothing more.
      const onError = () => {}
      end.on('data', onData)
      end.on('error', onError)
      unplug = () => end.off('data', onData)
    },
    press(name) {
      const target = live.find(({ flashed }) => flashed.name === name)
      if (!powered || asleep || !page || !target?.visible || target.flashed.kind !== 'button') return false
      transmit(Uint8Array.of(0x65, page.id, target.flashed.id, 1, ...END))
      transmit(Uint8Array.of(0x65, page.id, target.flashed.id, 0, ...END))
      return true
    },
    send: (bytes) => transmit(bytes),
    state() {
      const components = live
        .filter(({ visible }) => visible)
        .map(({ flashed: { press: _press, label: _label, hidden: _hidden, maxLength: _max, ...drawn }, text }) => ({
          ...drawn,
          text,
        }))
      const shown = powered && !asleep && page ? { id: page.id, name: page.name, look: page.look } : null
      return { width: panel.width, height: panel.height, page: shown, components: shown ? components : [] }
    },
    commands,
    played,
    fallAsleep() {
      if (!powered || asleep) return
      asleep = true
      transmit(Uint8Array.of(0x86, ...END))
      changed()
    },
    wake,
    powerOff() {
      powered = false
      inbox = Buffer.alloc(0)
      changed()
    },
    powerOn,
    fail(fault, times = 1) {
      faults.push({ fault, times })
    },
  }
}

/** `\r` becomes the two bytes 0D 0A that the display stores; null when an escape is unknown. */
function unescaped(literal: string): string | null {
  let valid = true
  const plain = literal.replaceAll(/\\(.)/gs, (_, sign: string) => {
    if (sign === 'r') return '\r\n'
    if (sign !== '"' && sign !== '\\') valid = false
    return sign
  })
  return valid ? plain : null
}
