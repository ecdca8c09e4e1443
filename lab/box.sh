#!/usr/bin/env bash
# Runs a command in a box of its own, so that several labs stand beside each other: its own mounts, network, processes and cgroups.
#   lab/box.sh NAME COMMAND...
# The box has no way to a real network, so the images must be there (`lab/main.ts images`). Whatever runs in it ends with the command, and
# with this script, however that is ended.
set -euo pipefail

name=$1
shift

# Where systemd keeps its cgroups: version 2, or its own hierarchy of version 1. A machine in the box sees those of the box alone.
mapfile -t points < <(findmnt --raw --noheadings --types cgroup,cgroup2 --output TARGET,FSTYPE,FS-OPTIONS |
  awk '$2 == "cgroup2" || $3 ~ /name=systemd/ { print $1 }')
folders=("${points[@]/%//wg-gateway-box-$name}")

for folder in "${folders[@]}"; do
  mkdir -p "$folder"
done

# What ran in it is killed with it, and is gone a moment later.
clear_cgroups() {
  for folder in "${folders[@]}"; do
    while [[ -n $(find "$folder" -name cgroup.procs -exec cat {} +) ]]; do sleep 0.1; done
    find "$folder" -depth -type d -exec rmdir -- {} + || true
  done
}
box=
finish() {
  # Of other signals unshare takes no notice.
  [[ -z $box ]] || kill -KILL "$box" 2>/dev/null || true
  clear_cgroups
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck disable=SC2016  # for the shells inside
enter='for folder in $FOLDERS; do echo $$ >"$folder/cgroup.procs"; done; unset FOLDERS; exec "$@"'
# shellcheck disable=SC2016
furnish='
  mount --make-rprivate /
  # A lab that stands outside has mounts there. Under the box'\''s own /run they would be listed, and nobody could unmount them.
  findmnt --raw --noheadings --output TARGET | { grep ^/run/ || true; } | tac |
    while read -r point; do umount --lazy "$(printf %b "$point")"; done
  mount -t tmpfs -o mode=0755 box /run
  mkdir /run/lock
  while read -r point type; do
    umount "$point"
    case $type in
    cgroup2) mount -t cgroup2 box "$point" ;;
    cgroup) mount -t cgroup -o none,name=systemd box "$point" ;;
    esac
  done < <(findmnt --raw --noheadings --types cgroup,cgroup2 --output TARGET,FSTYPE,FS-OPTIONS | awk '\''$2 == "cgroup2" || $3 ~ /name=systemd/ { print $1, $2 }'\'')
  ip link set lo up
  exec "$@"'

# In the background, and with its standard input all the same: a shell that waits takes a signal at once.
FOLDERS="${folders[*]}" env SHLVL="$SHLVL" bash -euc "$enter" enter setpriv --pdeathsig KILL \
  unshare --mount --net --pid --fork --kill-child --mount-proc --cgroup --ipc --uts bash -euc "$furnish" furnish "$@" <&0 &
box=$!
wait "$box"
