/**
 * The script that turns a rented container into a thinker that only we can use: Ollama on loopback, a TLS proxy
 * with our key in front of it, a pull that does not stay stuck, and a watchdog for the day when we are dead.
 * Everything that is secret or varies comes through the environment; the script itself holds no secret.
 */

export interface ScriptOptions {
  /** Where the market's API is, for the watchdog. */
  readonly marketUrl: string;
  /** Port of the proxy. */
  readonly port: number;
  /** Port of Ollama, on loopback. */
  readonly ollamaPort: number;
  /** Private to the script: key, certificate, configuration. */
  readonly directory: string;
  /** A download without a new byte for this long is begun again where it stopped. */
  readonly stallS: number;
  /** Pause of the loops that watch. */
  readonly lookEveryS: number;
}

export const scriptDefaults = {
  port: 8443,
  ollamaPort: 11_434,
  directory: '/etc/gw',
  stallS: 60,
  lookEveryS: 5,
} as const satisfies Omit<ScriptOptions, 'marketUrl'>;

/** Paths of Ollama that a gateway needs. With the token alone nobody pulls, pushes, creates or deletes. */
export const allowedPaths = [
  '/api/chat',
  '/api/generate',
  '/api/embed',
  '/api/embeddings',
  '/api/tags',
  '/api/show',
  '/api/ps',
  '/api/version',
] as const;

/** More than a gateway lets in by default: its answer to a body that is too large is the better one. */
const bodyMax = '96MB';

/** @throws Error when an option could end a quoted word of the script */
export function bootstrapScript(options: ScriptOptions): string {
  const { directory, port, ollamaPort, stallS, lookEveryS } = options;
  const market = options.marketUrl.replace(/\/+$/, '');
  for (const word of [directory, market])
    if (!/^[\w:/.[\]-]+$/.test(word)) throw new Error(`\`${word}\` cannot stand in a shell script`);
  return `set -eu
umask 077
export HOME="\${HOME:-/root}" XDG_CONFIG_HOME=${directory} XDG_DATA_HOME=${directory} DEBIAN_FRONTEND=noninteractive
mkdir -p ${directory}
cd ${directory}
cat >o <<'E'
while :; do ollama serve || :; sleep 2; done
E
cat >p <<'E'
until ollama list >/dev/null 2>&1; do sleep 1; done
until ollama show "$GW_MODEL" >/dev/null 2>&1; do
ollama pull "$GW_MODEL" >/dev/null 2>&1 & p=$! s=0 b=
while kill -0 $p 2>/dev/null; do
sleep ${lookEveryS}; c=$(du -s "\${OLLAMA_MODELS:-$HOME/.ollama}" 2>/dev/null | cut -f1)
if [ "$c" = "$b" ]; then s=$((s+${lookEveryS})); else s=0 b=$c; fi
[ $s -lt ${stallS} ] || { echo "pull stalled; again"; kill $p; wait $p; }
done
sleep ${lookEveryS}
done
echo "model is here"
ollama run "$GW_MODEL" "" >/dev/null 2>&1 || :
E
cat >w <<'E'
n() { date +%s; }
t=$(n)
while sleep ${lookEveryS}; do
l=$(stat -c %Y seen 2>/dev/null || echo $t)
[ $(($(n)-l)) -lt "\${GW_IDLE_STOP_S:-7200}" ] && continue
echo "no gateway; stopping"
curl -fsS -m 30 -X PUT -H @a -H 'Content-Type: application/json' -d '{"state":"stopped"}' "${market}/api/v0/instances/\${CONTAINER_ID:-0}/" || kill $1
sleep 60
done
E
clean() { exec env -u GW_KEY -u GW_TOKEN -u CONTAINER_API_KEY bash "$@"; }
clean o &
clean p &
for i in 1 2 3 4 5 6; do
command -v caddy && command -v curl && command -v openssl && break
(umask 022; apt-get update -qq; apt-get install -y -qq --no-install-recommends caddy curl openssl) || sleep 5
done >/dev/null
printf %s "$GW_KEY" | base64 -d | openssl pkey -inform DER -out k.pem
openssl req -x509 -new -key k.pem -days 3650 -subj /CN=gpu-worker -addext subjectAltName=DNS:gpu-worker -out c.pem
printf 'Authorization: Bearer %s' "\${CONTAINER_API_KEY:-}" >a
cat >Caddyfile <<E
${caddyfile(options)}
E
unset GW_KEY GW_TOKEN CONTAINER_API_KEY
rm -f seen
bash w $$ &
echo "proxy on ${port}, ollama on ${ollamaPort}"
exec caddy run --config Caddyfile --adapter caddyfile
`;
}

/** `seen` is written by requests with the token alone: its age tells the watchdog when we were last heard of. */
function caddyfile({ directory, port, ollamaPort }: ScriptOptions): string {
  return `{
admin off
auto_https off
servers {
protocols h1
timeouts {
read_header 10s
idle 5m
}
}
}
https://:${port} {
tls ${directory}/c.pem ${directory}/k.pem {
protocols tls1.3
}
log {
output file ${directory}/seen {
roll_size 1MiB
roll_keep 1
}
}
@ok {
method GET HEAD POST
header Authorization "Bearer $GW_TOKEN"
path ${allowedPaths.join(' ')}
}
handle @ok {
request_body {
max_size ${bodyMax}
}
reverse_proxy 127.0.0.1:${ollamaPort} {
flush_interval -1
header_up Host 127.0.0.1:${ollamaPort}
header_up -Authorization
header_up -Cookie
header_up -X-Forwarded-*
header_down -Server
}
}
handle {
skip_log
respond 401
}
}`;
}
