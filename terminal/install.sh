#!/bin/sh
# Puts the till on a Raspberry Pi with Raspberry Pi OS (64-bit), from the folder that this script lies in, or puts a newer
# one in its place. It may be run again at any time. What it installs comes from Debian and from npm.
set -eu

ROOT=${DESTDIR:-}
PROGRAM=$ROOT/opt/klubkort
STATE=$ROOT/var/lib/klubkort
SETTINGS=$ROOT/etc/klubkort/terminal.env
UNIT=$ROOT/etc/systemd/system/klubkort-terminal.service
COMMAND=$ROOT/usr/local/bin/klubkort-terminal
SOURCE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
REBOOT=no

say() { printf '%s\n' "$*"; }
refuse() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
as_till() { runuser -u klubkort -- "$@"; }

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
  as_till "$COMMAND" may-update
}

install_tools() {
  missing=''
  for tool in npm python3 make g++; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  if [ -n "$missing" ]; then
    say "installing$missing"
    # shellcheck disable=SC2086 # Several packages.
    apt-get install -y --no-install-recommends $missing
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || refuse "Node $(node --version) is too old for npm to build with: Raspberry Pi OS trixie has 20"
}

switch_on() {
  if [ "$(raspi-config nonint get_spi)" != 0 ]; then
    raspi-config nonint do_spi 0
    REBOOT=yes
  fi
  if [ "$(raspi-config nonint get_serial_cons)" = 0 ]; then
    raspi-config nonint do_serial_cons 1
    REBOOT=yes
  fi
  if [ "$(raspi-config nonint get_serial_hw)" != 0 ]; then
    raspi-config nonint do_serial_hw 0
    REBOOT=yes
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
  rm -rf "$PROGRAM.next"
  install -d -m 0755 "$PROGRAM.next"
  for part in package.json package-lock.json .npmrc README.md LICENSE shared terminal; do
    cp -R "$SOURCE/$part" "$PROGRAM.next/"
  done
  rm -rf "$PROGRAM.next/terminal/node_modules"
  (cd "$PROGRAM.next" && npm ci --omit=dev --no-audit --no-fund && npm run install:pi)
}

replace_program() {
  systemctl stop klubkort-terminal 2>/dev/null || true
  # A sale may have been made while the new program was built.
  if ! check_delivered; then
    systemctl start klubkort-terminal || true
    refuse 'nothing has been replaced'
  fi
  rm -rf "$PROGRAM.old"
  if [ -d "$PROGRAM" ]; then mv "$PROGRAM" "$PROGRAM.old"; fi
  mv "$PROGRAM.next" "$PROGRAM"
}

write_settings() {
  install -d -m 0755 "$(dirname "$SETTINGS")" "$(dirname "$UNIT")" "$(dirname "$COMMAND")"
  if [ ! -f "$SETTINGS" ]; then
    cat >"$SETTINGS" <<'EOF'
# The till's devices. What is not set here is as `klubkort-terminal run --help` says.
KLUBKORT_SPI=/dev/spidev0.0
KLUBKORT_SERIAL=/dev/serial0
KLUBKORT_BAUD=115200
# A pole display mostly speaks at 9600 baud; a buzzer needs `apt-get install gpiod`.
#KLUBKORT_DISPLAY=pole
#KLUBKORT_FIXED_PRICE=1
#KLUBKORT_KEYPAD=/dev/input/by-id/…-event-kbd
#KLUBKORT_CODE_PAGE=wpc1252
#KLUBKORT_BUZZER=gpiochip0:17
EOF
    chmod 0644 "$SETTINGS"
  fi
  install -m 0644 "$PROGRAM/terminal/klubkort-terminal.service" "$UNIT"
  cat >"$COMMAND" <<'EOF'
#!/bin/sh
set -a
[ ! -r /etc/klubkort/terminal.env ] || . /etc/klubkort/terminal.env
exec /opt/klubkort/node_modules/.bin/node /opt/klubkort/terminal/bin/klubkort-terminal.mjs "$@"
EOF
  chmod 0755 "$COMMAND"
}

start() {
  systemctl daemon-reload
  systemctl enable klubkort-terminal
  if [ "$REBOOT" = yes ]; then
    say 'SPI or the serial port was switched on just now: restart the Pi (sudo reboot).'
  elif [ -f "$STATE/terminal.json" ]; then
    systemctl restart klubkort-terminal
  fi
  if [ ! -f "$STATE/terminal.json" ]; then
    say 'Enrol it with the code that `klubkort terminal add` prints, then start it:'
    say '  sudo -u klubkort klubkort-terminal enrol --url https://… --code …'
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
