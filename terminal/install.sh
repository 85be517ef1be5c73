#!/bin/sh
# Puts the till on a Raspberry Pi with Raspberry Pi OS (64-bit), from the folder that this script lies in, or puts a newer
# one in its place. It may be run again at any time, also after it was interrupted. What it installs comes from Debian and
# from npm.
set -eu

ROOT=${DESTDIR:-}
# A link to one of two folders beside it, so that the program is the old one or the new one at every moment.
PROGRAM=$ROOT/opt/klubkort
STATE=$ROOT/var/lib/klubkort
SETTINGS=$ROOT/etc/klubkort/terminal.env
UNIT=$ROOT/etc/systemd/system/klubkort-terminal.service
COMMAND=$ROOT/usr/local/bin/klubkort-terminal
# Gone with the next start of the machine.
RESTART_DUE=$ROOT/run/klubkort-restart-due
SOURCE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# Two programs of some 300 MB each, and what building one takes besides.
ROOM_MIN_KB=1048576
# Debian's npm (9.2) cannot read the lockfile: it stops at an override that leads to a folder.
NPM_VERSION=11.19.1
NPM_SHA512=cedb312b1b7f92421a02cfb68b4194e88f8346651dacd6acc5364a25ef5309d4a32b19616a1ff8aff865e7280c0fa5c0835a99f5cd93368991e2a80ec9da75d2
NEXT=''
STOPPED=no

say() { printf '%s\n' "$*"; }
refuse() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
as_till() { runuser -u klubkort -- "$@"; }

# However it ends: nothing half-built takes the till's room, and a till that sold before sells again.
leave() {
  status=$?
  trap - EXIT
  [ -z "$NEXT" ] || rm -rf "$NEXT"
  [ "$STOPPED" = no ] || systemctl start klubkort-terminal || true
  exit "$status"
}
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

check_machine() {
  [ "$(id -u)" = 0 ] || refuse "run it as root: sudo sh $0"
  [ "$(uname -m)" = aarch64 ] && [ "$(dpkg --print-architecture)" = arm64 ] ||
    refuse 'a 64-bit Raspberry Pi OS is needed (arm64 kernel and packages)'
  command -v raspi-config >/dev/null || refuse 'this is not Raspberry Pi OS: there is no raspi-config'
  [ -f "$SOURCE/package-lock.json" ] && [ -f "$SOURCE/terminal/main.ts" ] || refuse "$SOURCE is not Klubkort"
}

# Nothing is replaced while a sale is still to be delivered: the new program could be one that cannot.
check_delivered() {
  [ -f "$STATE/terminal.json" ] && [ -x "$COMMAND" ] || return 0
  as_till "$COMMAND" may-update && return 0
  [ $? -ge 126 ] || return 1
  say 'the installed program does not start, and is replaced'
}

install_tools() {
  missing=''
  for tool in npm python3 make g++; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  if [ -n "$missing" ]; then
    say "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    # shellcheck disable=SC2086 # Several packages.
    apt-get install -y --no-install-recommends $missing
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || refuse "Node $(node --version) is too old for npm to build with: Raspberry Pi OS trixie has 20"
}

switch_on() {
  install -d -m 0755 "$ROOT/run"
  if [ "$(raspi-config nonint get_spi)" != 0 ]; then
    raspi-config nonint do_spi 0
    : >"$RESTART_DUE"
  fi
  if [ "$(raspi-config nonint get_serial_cons)" = 0 ]; then
    raspi-config nonint do_serial_cons 1
    : >"$RESTART_DUE"
  fi
  if [ "$(raspi-config nonint get_serial_hw)" != 0 ]; then
    raspi-config nonint do_serial_hw 0
    : >"$RESTART_DUE"
  fi
}

make_user() {
  getent passwd klubkort >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/klubkort --no-create-home --shell /usr/sbin/nologin klubkort
  for group in spi dialout input gpio; do
    if getent group "$group" >/dev/null; then usermod -a -G "$group" klubkort; fi
  done
  install -d -m 0700 -o klubkort -g klubkort "$STATE"
}

# The new program is whole before the old one is touched.
build_program() {
  install -d -m 0755 "$ROOT/opt"
  case $(readlink "$PROGRAM" || true) in
    klubkort.a) NEXT=$PROGRAM.b ;;
    *) NEXT=$PROGRAM.a ;;
  esac
  rm -rf "$NEXT"
  free=$(df -Pk "$ROOT/opt" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$ROOM_MIN_KB" ] || refuse "only $((free / 1024)) MB are free, and $((ROOM_MIN_KB / 1024)) are needed"
  install -d -m 0755 "$NEXT"
  for part in package.json package-lock.json .npmrc README.md LICENSE shared terminal; do
    cp -R "$SOURCE/$part" "$NEXT/"
  done
  rm -rf "$NEXT/terminal/node_modules"
  (
    cd "$NEXT"
    install -d .npm/path
    npm pack --silent "npm@$NPM_VERSION" >/dev/null
    printf '%s  npm-%s.tgz\n' "$NPM_SHA512" "$NPM_VERSION" | sha512sum --check --quiet
    tar -xzf "npm-$NPM_VERSION.tgz" -C .npm --strip-components=1
    ln -s ../bin/npm-cli.js .npm/path/npm
    PATH=$NEXT/.npm/path:$PATH
    npm ci --omit=dev --no-audit --no-fund
    npm run install:pi
    rm -rf .npm "npm-$NPM_VERSION.tgz"
  )
  # Under sudo the caller's umask may be any.
  chmod -R u=rwX,go=rX "$NEXT"
}

replace_program() {
  if systemctl --quiet is-active klubkort-terminal; then STOPPED=yes; fi
  systemctl stop klubkort-terminal 2>/dev/null || true
  # A sale may have been made while the new program was built.
  check_delivered || refuse 'nothing has been replaced'
  # All of it is on the disk before anything leads to it, even if the power goes now.
  sync
  ln -sfn "$(basename "$NEXT")" "$PROGRAM.next"
  mv -T "$PROGRAM.next" "$PROGRAM"
  NEXT=''
}

write_settings() {
  install -d -m 0755 "$(dirname "$SETTINGS")" "$(dirname "$UNIT")" "$(dirname "$COMMAND")"
  if [ ! -f "$SETTINGS" ]; then
    serial=/dev/serial0
    # There serial0 is a socket of its own, and not the pins 8 and 10.
    if grep -qs 'Raspberry Pi 5' "$ROOT/proc/device-tree/model"; then serial=/dev/ttyAMA0; fi
    cat >"$SETTINGS.next" <<EOF
# The till's devices. What is not set here is as \`klubkort-terminal run --help\` says.
KLUBKORT_SPI=/dev/spidev0.0
KLUBKORT_SERIAL=$serial
KLUBKORT_BAUD=115200
# A pole display mostly speaks at 9600 baud; a buzzer needs \`apt-get install gpiod\`.
#KLUBKORT_DISPLAY=pole
#KLUBKORT_FIXED_PRICE=1
#KLUBKORT_KEYPAD=/dev/input/by-id/…-event-kbd
#KLUBKORT_CODE_PAGE=wpc1252
#KLUBKORT_BUZZER=gpiochip0:17
EOF
    chmod 0644 "$SETTINGS.next"
    mv "$SETTINGS.next" "$SETTINGS"
  fi
  install -m 0644 "$PROGRAM/terminal/klubkort-terminal.service" "$UNIT"
  # The program reads the settings itself, here and under systemd, so that both understand them alike.
  cat >"$COMMAND.next" <<'EOF'
#!/bin/sh
# The key and the journal are the till's: whoever is root works as the till.
if [ "$(id -u)" = 0 ]; then exec runuser -u klubkort -- "$0" "$@"; fi
exec /opt/klubkort/node_modules/.bin/node --env-file-if-exists=/etc/klubkort/terminal.env \
  /opt/klubkort/terminal/bin/klubkort-terminal.mjs "$@"
EOF
  chmod 0755 "$COMMAND.next"
  mv "$COMMAND.next" "$COMMAND"
}

start() {
  systemctl daemon-reload
  systemctl enable klubkort-terminal
  if [ -e "$RESTART_DUE" ]; then
    say 'SPI or the serial port was switched on just now: restart the Pi (sudo reboot).'
  elif [ -f "$STATE/terminal.json" ]; then
    systemctl restart klubkort-terminal
  fi
  STOPPED=no
  if [ ! -f "$STATE/terminal.json" ]; then
    say 'Enrol it with the code that `klubkort terminal add` prints, then start it:'
    say '  sudo klubkort-terminal enrol --url https://… --code …'
    say '  sudo systemctl start klubkort-terminal'
  fi
}

check_machine
check_delivered || refuse 'nothing has been replaced'
install_tools
switch_on
make_user
build_program
replace_program
write_settings
start
# What is missing is said, and has its own status; the program is installed all the same.
as_till "$COMMAND" doctor || true
