import type { Outline } from './outline.ts'

/**
 * A place on a command line: what can follow the words of `path`. All names are words without blanks. A script knows
 * a place by its words, each after a blank: ' child add', and '' for the beginning.
 */
export type Place = Pick<Outline, 'path' | 'options' | 'arguments'> & {
  commands: { name: string; description: string }[]
}

const nameOf = ({ path }: Place) => path.map((word) => ` ${word}`).join('')

/** Only what a shell takes as it is: the empty choice is typed as ''. */
const plainWords = (words: readonly string[]) => words.filter((word) => /^[\w.:@%+-]+$/.test(word))

/** All names but the first, which is empty: a word that leads to one of them is a command, and any other an operand. */
function known(places: Place[]): string[] {
  const below = places.flatMap((place) => place.commands.map(({ name }) => `${nameOf(place)} ${name}`))
  return [...new Set([...below, ...places.map(nameOf).filter((name) => name !== '')])]
}

/** Options that take a value, each behind its place's name. */
function valued(places: Place[]): string[] {
  return places.flatMap((place) =>
    place.options.filter(({ value }) => value !== null).map(({ long }) => `${nameOf(place)} ${long}`),
  )
}

type Case = { when: string; choices: readonly string[]; file: boolean }

/** What is known of the values of options, behind the option, and of operands, behind their number from 0. */
function optionValues(places: Place[]): Case[] {
  return places.flatMap((place) =>
    place.options.map(({ long, choices, file }) => ({ when: `${nameOf(place)} ${long}`, choices, file })),
  )
}
function operandValues(places: Place[]): Case[] {
  return places.flatMap((place) =>
    place.arguments.map(({ choices, file }, at) => ({ when: `${nameOf(place)}:${at}`, choices, file })),
  )
}

const single = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
const patterns = (names: string[]) => names.map(single).join('|')

/** Completion for bash 4 or later. */
export function bashScript(places: Place[]): string {
  const value = ({ when, choices, file }: Case) => {
    if (file) return [`    ${single(when)}) files=1 ;;`]
    const words = plainWords(choices)
    return words.length === 0 ? [] : [`    ${single(when)}) words=${single(words.join(' '))} ;;`]
  }
  const list = (place: Place) => [
    `    ${single(nameOf(place))})`,
    `      commands=${single(place.commands.map(({ name }) => name).join(' '))}`,
    `      options=${single(place.options.map(({ long }) => long).join(' '))} ;;`,
  ]
  return `# klubkort in bash 4 or later; made by klubkort completion bash
_klubkort() {
  local word=\${COMP_WORDS[COMP_CWORD]} place='' operands=0 option='' commands='' options='' words='' files='' next i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next=\${COMP_WORDS[i]}
    [[ $next == '=' && $option ]] && continue # Bash takes --state=open for three words.
    if [[ $option && $next != -?* ]]; then
      option=''
      continue
    fi
    option=''
    case "$place $next" in
    ${patterns(valued(places))}) option=$next ;;
    ${patterns(known(places))}) place="$place $next" ;;
    *) [[ $next == -?* ]] || ((operands++)) ;;
    esac
  done
  [[ $word == '=' && $option ]] && word=''
  case "$place $option" in
${optionValues(places).flatMap(value).join('\n')}
  esac
  if [[ ! $option ]]; then
    case "$place:$operands" in
${operandValues(places).flatMap(value).join('\n')}
    esac
    case "$place" in
${places.flatMap(list).join('\n')}
    esac
    words="$words $commands"
    [[ $word == -* || ! \${words// } && ! $files ]] && words="$words $options"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if [[ $files && $word != -* ]]; then
    compopt -o filenames
    mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _klubkort klubkort`
}

/** Completion for zsh. */
export function zshScript(places: Place[]): string {
  const value = ({ when, choices, file }: Case) => {
    if (file) return [`    (${single(when)}) _files && return ;;`]
    const words = plainWords(choices)
    return words.length === 0 ? [] : [`    (${single(when)}) compadd -- ${words.join(' ')} && return ;;`]
  }
  const described = ({ name, description }: Place['commands'][number]) =>
    `        ${single(`${name.replaceAll(':', '\\:')}:${description}`)}`
  const list = (place: Place) => [
    `    (${single(nameOf(place))})`,
    '      commands=(',
    ...place.commands.map(described),
    '      )',
    '      options=(',
    ...place.options.map(({ long, description }) => described({ name: long, description })),
    '      ) ;;',
  ]
  return `#compdef klubkort
# klubkort in zsh; made by klubkort completion zsh
_klubkort() {
  local place='' option='' next=''
  local -a commands options
  integer operands=0 i
  for ((i = 2; i < CURRENT; i++)); do
    next=$words[i]
    if [[ -n $option && $next != -?* ]]; then
      option=''
      continue
    fi
    option=''
    case "$place $next" in
    (${patterns(valued(places))}) option=$next ;;
    (${patterns(known(places))}) place="$place $next" ;;
    (*) [[ $next == -?* ]] || (( operands += 1 )) ;;
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    option=\${PREFIX%%=*}
    compset -P 1 '*='
  fi
  case "$place $option" in
${optionValues(places).flatMap(value).join('\n')}
  esac
  if [[ -n $option ]]; then
    _message 'a value'
    return
  fi
  if [[ $PREFIX != -* ]]; then
    case "$place:$operands" in
${operandValues(places).flatMap(value).join('\n')}
    esac
  fi
  case "$place" in
${places.flatMap(list).join('\n')}
  esac
  if [[ $PREFIX != -* && $#commands -gt 0 ]]; then
    _describe -t commands command commands
  else
    _describe -o -t options option options
  fi
}
if [[ $funcstack[1] == _klubkort ]]; then
  _klubkort "$@"
else
  compdef _klubkort klubkort
fi`
}

/** Completion for fish 3 or later. */
export function fishScript(places: Place[]): string {
  const text = (words: string) => `'${words.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const at = (name: string, operands?: number) =>
    `complete -c klubkort -n ${text(`__klubkort_at ${text(name)}${operands === undefined ? '' : ` ${operands}`}`)}`
  const lines = places.flatMap((place) => [
    ...place.commands.map(
      ({ name, description }) => `${at(nameOf(place), 0)} -a ${text(name)} -d ${text(description)}`,
    ),
    ...place.arguments.flatMap(({ choices, file }, index) => {
      const words = plainWords(choices).join(' ')
      if (file) return [`${at(nameOf(place), index)} -F`]
      return words === '' ? [] : [`${at(nameOf(place), index)} -a ${text(words)}`]
    }),
    ...place.options.map(({ long, value, choices, file, description }) => {
      const taken = file ? ' -r -F' : choices.length > 0 ? ` -x -a ${text(plainWords(choices).join(' '))}` : ' -x'
      return `${at(nameOf(place))} -l ${long.slice(2)}${value === null ? '' : taken} -d ${text(description)}`
    }),
  ])
  return `# klubkort in fish 3 or later; made by klubkort completion fish
function __klubkort_at
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l place ''
    set -l operands 0
    set -l option ''
    for next in $tokens
        if test -n "$option"; and not string match -qr -- '^-.' "$next"
            set option ''
            continue
        end
        set option ''
        switch "$place $next"
            case ${valued(places).map(text).join(' ')}
                set option "$next"
            case ${known(places).map(text).join(' ')}
                set place "$place $next"
            case '*'
                string match -qr -- '^-.' "$next"; or set operands (math $operands + 1)
        end
    end
    test "$place" = "$argv[1]"; and test (count $argv) -lt 2 -o "$operands" = "$argv[2]"
end
complete -c klubkort -f
${lines.join('\n')}`
}
