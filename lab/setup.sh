#!/usr/bin/env bash
# Prelude of `npm start`, `npm stop` and `npm test`: makes a fresh Debian able to run the lab, then runs it as root.
#   lab/setup.sh FILE.ts ARGUMENT...    lab/setup.sh --test
# Whatever is there already is not touched; the second run takes no time.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

need_node() {
  local hint='on Debian 13 "apt-get install nodejs npm" is enough, elsewhere see https://nodejs.org'
  command -v node >/dev/null || die "Node.js 20 or newer is needed and there is none: $hint"
  local version
  version=$(node --print process.versions.node)
  ((${version%%.*} >= 20)) || die "Node.js 20 or newer is needed, $(command -v node) is $version: $hint"
}

# The packages of node_modules, installed as whoever owns the sources: a run as root must not leave files that they cannot remove.
need_modules() {
  [[ node_modules/.package-lock.json -nt package-lock.json ]] && return
  command -v npm >/dev/null || die 'npm is needed to install what package-lock.json names'
  say 'installing the npm packages'
  local owner home as=()
  owner=$(stat --format=%u package.json)
  if ((EUID == 0 && owner != 0)); then
    home=$(getent passwd "$owner" | cut -d: -f6)
    [[ -d $home ]] || home=/tmp
    as=(setpriv "--reuid=$owner" "--regid=$(stat --format=%g package.json)" --init-groups env "HOME=$home")
  fi
  quietly "${as[@]}" npm ci --ignore-scripts --no-audit --no-fund
  touch --no-create node_modules/.package-lock.json
}

# The lab makes network namespaces, mounts and machines.
need_root() {
  ((EUID == 0)) && return
  command -v sudo >/dev/null || die 'the lab must run as root, and there is no sudo to become it'
  say 'the lab runs as root: using sudo'
  local name keep=()
  for name in ${!WG_GATEWAY_LAB_*} ${!PULUMI_*} CI NO_COLOR INIT_CWD; do
    [[ -v $name ]] && keep+=("$name=${!name}")
  done
  # sudo's own PATH may not have the caller's node.
  exec sudo -- env "PATH=$PATH" "${keep[@]}" bash lab/setup.sh "$@"
}

need_packages() {
  local missing=() pair wanted=(mmdebstrap=mmdebstrap systemd-nspawn=systemd-container bwrap=bubblewrap ip=iproute2 ssh-keygen=openssh-client)
  [[ ${1-} != --test ]] || wanted+=(shellcheck=shellcheck nft=nftables dnsmasq=dnsmasq-base python3=python3)
  for pair in "${wanted[@]}"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || die "these Debian packages, or your system's like, are needed: ${missing[*]}"
  say "installing ${missing[*]} (once)"
  local apt=(apt-get --quiet --yes -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  export DEBIAN_FRONTEND=noninteractive
  quietly "${apt[@]}" update
  quietly "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# Where they are modules the kernel loads them when first asked, but not for a machine inside.
need_kernel() {
  local module
  for module in tun overlay nf_tables veth wireguard; do
    modprobe --quiet "$module" 2>/dev/null || true
  done
  [[ -e /dev/net/tun ]] || die '/dev/net/tun is missing: the kernel needs its module "tun"'
}

# Runs a command, showing what it said only when it failed.
quietly() {
  local said
  said=$("$@" 2>&1) || die "$* failed:"$'\n'"$said"
}

need_node
need_modules
need_root "$@"
need_packages "$@"
need_kernel

# npm that is told to end tells its own shell alone.
with_caller=(setpriv --pdeathsig TERM)
if [[ ${1-} == --test ]]; then
  exec "${with_caller[@]}" bash test/run.sh "${@:2}"
fi
exec "${with_caller[@]}" node --import tsx "$@"
