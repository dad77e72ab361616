#!/bin/sh
# A device made of mosquitto's tools, openssl and curl: its certificate is all it needs.
#
# For devices that wake up, send, ask, and sleep again: each tool makes a connection of its own, one after the other,
# since a device has one session. Settings come from the environment, as `certinel onboard` writes them into NAME.env.
#   set -a; . ./pump-7.env; sh device.sh
set -eu

interval=${DEVICE_INTERVAL:-10}      # seconds that it listens for operations between two measurements
rounds=${DEVICE_ROUNDS:-0}           # measurements until it ends; 0 for ever
renew_after=${DEVICE_RENEW_AFTER:-}  # seconds; by default half of a token's life
patience=${DEVICE_PATIENCE:-30}      # seconds that an answer may take

# What every tool is told. Without a server CA of its own, whom this computer trusts.
if [ -n "${DEVICE_SERVER_CA:-}" ]; then
  trust="--cafile $DEVICE_SERVER_CA" curl_trust="--cacert $DEVICE_SERVER_CA"
else
  trust="--tls-use-os-certs" curl_trust=""
fi
# First how long it may take: mosquitto_pub waits for ever when the network breaks while it shakes hands.
mqtt() {
  limit=$1 tool=$2
  shift 2
  # shellcheck disable=SC2086 # the words of $trust are words
  timeout "$limit" "$tool" -V mqttv311 -h "$DEVICE_HOST" -p "${DEVICE_MQTT_PORT:-8883}" -i "d:$DEVICE_NAME" -k 60 -q 1 \
    $trust --cert "$DEVICE_CHAIN" --key "$DEVICE_KEY" "$@"
}

# One SmartREST row; returns when the platform has stored it. Tried again for as long as there is no connection.
send() {
  delay=1
  until mqtt "$patience" mosquitto_pub -t s/us -m "$1"; do
    echo "disconnected; again in $delay s"
    sleep "$delay"
    delay=$((delay < 60 ? delay * 2 : 60))
  done
}

# One claim, a number, of a token: the middle part is base64url without padding.
claim() {
  payload=$(printf %s "$1" | cut -d. -f2 | tr -- -_ +/)
  while [ $((${#payload} % 4)) -ne 0 ]; do payload="$payload="; done
  printf %s "$payload" | openssl base64 -d -A | sed "s/.*\"$2\":\([0-9]*\).*/\1/"
}

# Seconds until half of the token's life is over: only from then on the platform gives a new one.
renewal_in() {
  issued=$(claim "$1" iat) half=$((($(claim "$1" exp) - $(claim "$1" iat)) / 2))
  left=$((issued + half - $2))
  [ "$left" -le "$half" ] || left=$half
  [ "$left" -ge 30 ] || left=30 # a clock that is wrong shall not cause a storm
  echo "$left"
}

# Every byte as %XX, which is right for all of them.
in_url() {
  printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}

fetch_token() {
  token=$(mqtt $((patience + 10)) mosquitto_rr -W "$patience" -t s/uat -n -e s/dat | cut -d, -f2) || token=
  [ -n "$token" ] || { echo "no token came"; renew_at=$(($(date +%s) + ${renew_after:-60})); return; }
  wait=${renew_after:-$(renewal_in "$token" "$(date +%s)")}
  renew_at=$(($(date +%s) + wait))
  echo "token, to be renewed in $wait s"
  # the token on standard input, not among the words of the command, where every user of this computer reads it
  # shellcheck disable=SC2086
  answer=$(printf 'header = "Authorization: Bearer %s"' "$token" |
    curl --silent --show-error --fail $curl_trust --config - \
      "$DEVICE_URL/identity/externalIds/c8y_Serial/$(in_url "$DEVICE_NAME")") || return 0 # curl has said why
  echo "REST says I am managed object $(printf %s "$answer" | sed 's/.*"managedObject":{[^}]*"id":"\([0-9]*\)".*/\1/')"
}

# Whatever has come while it listened. Here: 510, restart.
act_on() {
  while read -r topic row; do
    case $topic:$row in
      s/ds:510,*)
        echo "operation: $row"
        send "501,c8y_Restart" # executing
        send "503,c8y_Restart" # successful
        ;;
      s/ds:*) echo "operation: $row" ;;
      s/e:41,100,*) ;; # the device is there already: fine
      s/e:*) echo "error: $row" ;;
    esac
  done
}

[ "${DEVICE_SOURCED:-}" ] && return # its functions are wanted, not its life

send "100,$DEVICE_NAME,example_Thermometer" # creates the device; harmless when it is there
echo "connected as d:$DEVICE_NAME"
renew_at=0 done=0
while :; do
  [ "$(date +%s)" -lt "$renew_at" ] || fetch_token
  row="211,2$(($$ % 5)).$((done % 10))"
  send "$row"
  echo "sent $row"
  done=$((done + 1))
  [ "$done" -ne "$rounds" ] || exit 0
  # listens, and acts only when that connection is over: there is one session a device
  heard=$(mqtt $((interval + 10)) mosquitto_sub -v -W "$interval" -t s/ds -t s/e 2>/dev/null) || : # its time is over
  printf '%s\n' "$heard" | act_on
done
