#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# under_systemd.sh FLUXTILE: starts the units of examples/nightly under a real systemd and looks at what they do: a
# night, a night with nothing new, one that is stopped, one that is run again after a passing fault, one that fails,
# the sandbox, the timer. The manager is a `systemd --user` of its own in mount and process namespaces of its own, with
# empty /tmp, /run, /srv, /var/lib: nothing of this machine is touched and none of its services started. Needs root, unshare and
# systemd; exit code 77: skipped.
set -euo pipefail
program=$(readlink -f "$1")
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [ "${2:-}" != inside ]; then
  skip() { echo "skipped: $*"; exit 77; }
  [ "$(id -u)" = 0 ] || skip "only root can make the namespaces"
  [ -x /lib/systemd/systemd ] && command -v systemctl > /dev/null || skip "there is no systemd"
  grep -q cgroup /proc/mounts || skip "there are no control groups"
  unshare --mount --pid --fork true 2> /dev/null || skip "namespaces are not allowed here"
  exec timeout 300 unshare --mount --pid --fork --kill-child --mount-proc bash "$0" "$program" inside
fi

# From here on in namespaces of our own. Nothing is mounted before mounts are private.
mount --make-rprivate /
for folder in /tmp /run /srv /var/lib; do mount -t tmpfs tmpfs $folder; done
case $program in /tmp/*|/run/*|/srv/*|/var/lib/*) echo "skipped: the program lies under $program"; exit 77;; esac
export XDG_RUNTIME_DIR=/run/user/0 HOME=/tmp/home
unset DBUS_SESSION_BUS_ADDRESS
units=$XDG_RUNTIME_DIR/systemd/user
mkdir -p /run/systemd/system "$units" $HOME /var/lib/fluxtile/metrics /srv/fluxtile
# What a sandbox hides things behind; on a machine of its own, systemd makes these when it boots.
(umask 777 && mkdir -p /run/systemd/inaccessible/dir)
chmod 755 /run/systemd/inaccessible
(cd /run/systemd/inaccessible && touch reg && mknod chr c 0 0 && mknod blk b 0 0 && mkfifo fifo && chmod 0 reg chr blk fifo)
fail() { echo "FAILED: $*" >&2; cat /srv/log /srv/manager 2> /dev/null | tail -40 >&2; exit 1; }

# install.sh puts the files in their places; what a manager of a user cannot do is taken out, and times are short.
DESTDIR=/srv/root FLUXTILE=$program bash "$source/examples/nightly/install.sh" test > /dev/null
cp /srv/root/etc/systemd/system/fluxtile-nightly* "$units"
sed -i -e '/^User=/d; /^Group=/d' -e "s|/usr/lib/fluxtile/|/srv/root/usr/lib/fluxtile/|" "$units"/*.service
settings() { mkdir -p "$units/$1.d"; cat > "$units/$1.d/test.conf"; }
settings fluxtile-nightly@.service << END
[Unit]
RequiresMountsFor=
[Service]
StateDirectory=
ReadWritePaths=/var/lib/fluxtile/metrics
StandardError=append:/srv/log
RestartSec=1
ExecStartPre=-/bin/sh /srv/fluxtile/probe.sh
END
settings fluxtile-nightly-failed@.service << END
[Service]
Environment=FLUXTILE=$program
StandardError=append:/srv/failed
END
settings fluxtile-nightly@.timer << END
[Timer]
OnCalendar=
OnCalendar=*:*:0/2
RandomizedDelaySec=0
AccuracySec=100ms
END
# What the sandbox lets a program do, one word a line.
cat > /srv/fluxtile/probe.sh << 'END'
exec > /srv/fluxtile/test/out/probe
touch /usr/probe 2> /dev/null && echo usr
touch /srv/fluxtile/test/run.yaml 2> /dev/null && echo inputs
[ "$(tail -n +3 /proc/net/dev | grep -vc ' *lo:')" = 0 ] || echo network
unshare -m true 2> /dev/null && echo namespaces
grep -E '^(NoNewPrivs|Seccomp):|^CapEff' /proc/self/status | tr -d '\t '
END
"$program" simulate "$source/configs/worlds/test.yaml" --out /srv/fluxtile/test --set size_km=12 --log-level warn > /dev/null
sed -i 's/^run: .*/run: {threads: 1, memory: 1GB}/' /srv/fluxtile/test/run.yaml
mkdir -p /srv/fluxtile/test/out

/lib/systemd/systemd --user --log-target=console > /srv/manager 2>&1 &
manager=$!
for _ in $(seq 200); do systemctl --user is-system-running > /dev/null 2>&1 && break; sleep 0.1; done
systemctl --user is-system-running > /dev/null 2>&1 || { tail -3 /srv/manager; echo "skipped: systemd does not start here"; exit 77; }
unit=fluxtile-nightly@test.service
state() { systemctl --user show -P "$1" "${2:-$unit}"; }
metric() { sed -n "s/^fluxtile_$1{.*} //p" /var/lib/fluxtile/metrics/test.prom; }
tile_years() { find /srv/fluxtile/test/out/.fluxtile -name '*.tile-year' 2> /dev/null | wc -l; }
until_seen() { for _ in $(seq 1200); do if eval "$1"; then return 0; fi; sleep 0.05; done; fail "never seen: $1"; }

systemctl --user start $unit || fail "a night: $(state Result), $(state ExecMainStatus)"
[ "$(metric run_exit_code)" = 0 ] && [ "$(metric run_running)" = 0 ] || fail "metrics of a night"
"$program" verify /srv/fluxtile/test/out > /dev/null || fail "products of a night"
tail -1 /srv/log | grep -q '"event":"summary".*"exit_code":0' || fail "the last line is no summary"
echo "a night: $(tail -1 /srv/log | sed 's/.*"message":"\([^"]*\)".*/\1/')"
printf '%s\n' CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2 > /tmp/wanted
diff <(sort /srv/fluxtile/test/out/probe) /tmp/wanted || fail "the sandbox is not what it should be"
echo "sandbox: read-only but for its outputs, no network, no capabilities"

systemctl --user start $unit || fail "a second night"
tail -1 /srv/log | grep -q 'no new input' || fail "a second night does something"

# Stopped: in order, and not started again.
rm -rf /srv/fluxtile/test/out/.fluxtile
systemctl --user start --no-block $unit
until_seen '[ $(tile_years) -gt 0 ]'
systemctl --user stop $unit
[ "$(metric run_exit_code)" = 75 ] || fail "a stop gives $(metric run_exit_code)"
[ "$(state ActiveState)" != activating ] || fail "a stopped night starts again"
echo "stopped: exit code $(metric run_exit_code) after $(metric run_duration_seconds) s"

# Exit code 75 without a stop (a passing fault, TERM from outside): run again, and the rest is done.
systemctl --user reset-failed $unit 2> /dev/null || true
rm -rf /srv/fluxtile/test/out/.fluxtile
systemctl --user start --no-block $unit
until_seen '[ $(tile_years) -gt 0 ]'
kill -TERM "$(state MainPID)"
until_seen '[ "$(state NRestarts)" = 1 ]'
until_seen '[ "$(state ActiveState)" = inactive ]'
[ "$(state Result)" = success ] && [ "$(metric run_exit_code)" = 0 ] || fail "the night after a passing fault"
echo "interrupted: started again, exit code $(metric run_exit_code)"

# A night that cannot succeed: not tried again, told.
sed -i 's/^name: test/nam: test/' /srv/fluxtile/test/run.yaml
if systemctl --user start $unit 2> /dev/null; then fail "a wrong configuration succeeds"; fi
[ "$(state ExecMainStatus)" = 65 ] && [ "$(state NRestarts)" = 0 ] && [ "$(state Result)" = exit-code ] || fail "65"
[ "$(metric run_exit_code)" = 65 ] || fail "metrics of a night that failed"
until_seen 'grep -q "fluxtile-nightly@test failed" /srv/failed 2> /dev/null'
sed -i 's/^nam: test/name: test/' /srv/fluxtile/test/run.yaml
echo "failed: exit code 65, not tried again, told"

# Outputs outside of what the unit may write.
sed -i 's/^  directory: out$/  directory: elsewhere/' /srv/fluxtile/test/run.yaml
if systemctl --user start $unit 2> /dev/null; then fail "writes outside of its folder"; fi
[ "$(state ExecMainStatus)" = 73 ] || fail "outside of its folder: $(state ExecMainStatus)"
[ ! -e /srv/fluxtile/test/elsewhere ] || fail "wrote outside of its folder"
sed -i 's/^  directory: elsewhere$/  directory: out/' /srv/fluxtile/test/run.yaml
systemctl --user reset-failed $unit

# The timer.
before=$(wc -l < /srv/log)
systemctl --user start fluxtile-nightly@test.timer
until_seen '[ "$(state LastTriggerUSec fluxtile-nightly@test.timer)" != "" ] && [ $(wc -l < /srv/log) -gt $before ]'
systemctl --user stop fluxtile-nightly@test.timer
echo "timer: started the night"
kill $manager
echo "the nightly units work under $(/lib/systemd/systemd --version | head -1)"
