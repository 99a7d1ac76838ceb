// Runs the JavaScript of an edge over a bucket that anybody may read, as its cloud does. For tests.
// usage: node edge.mjs cloudfront|cloudflare FILE BUCKET-URL PREFIX-PATH PORT
import http from 'node:http';
import fs from 'node:fs';
import vm from 'node:vm';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const [kind, file, bucket, path, port] = process.argv.slice(2);

// CloudFront: the function sees no API of Node's. Source: AWS, "CloudFront Functions event structure".
function cloudFront(code) {
  const context = vm.createContext({});
  vm.runInContext(code, context);
  const run = event => JSON.parse(vm.runInContext(`JSON.stringify(handler(${JSON.stringify(event)}))`, context));
  const plain = headers => Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value]));
  const boxed = headers => Object.fromEntries([...headers].map(([name, value]) => [name.toLowerCase(), { value }]));
  return async request => {
    const url = new URL(request.url);
    const querystring = Object.fromEntries([...url.searchParams].map(([name, value]) => [name, { value }]));
    const asked = { method: request.method, uri: url.pathname, querystring, headers: boxed(request.headers), cookies: {} };
    const sent = run({ version: '1.0', context: { eventType: 'viewer-request' }, viewer: { ip: '192.0.2.1' }, request: asked });
    if (sent.statusCode) {
      return new Response(sent.body ?? null, { status: sent.statusCode, headers: plain(sent.headers) });
    }
    const headers = plain(sent.headers);
    const forwarded = Object.fromEntries(['range', 'if-none-match', 'authorization'].filter(name => headers[name]).map(name => [name, headers[name]]));
    const answer = await fetch(bucket + path + sent.uri, { method: sent.method, headers: forwarded });
    if (answer.status === 403 || answer.status === 404) {
      const page = await fetch(`${bucket}${path}/pail/edge/404.json`);
      return new Response(page.body, { status: 404, headers: { 'content-type': page.headers.get('content-type'), 'content-length': page.headers.get('content-length') } });
    }
    if (answer.status >= 400) {
      return answer;
    }
    const seen = { statusCode: answer.status, statusDescription: 'x', headers: boxed(answer.headers), cookies: {} };
    const told = run({ version: '1.0', context: { eventType: 'viewer-response' }, viewer: { ip: '192.0.2.1' }, request: sent, response: seen });
    return new Response(answer.body, { status: told.statusCode, headers: plain(told.headers) });
  };
}

// Cloudflare: a bucket of R2 and the cache, as far as the Worker uses them. Source: Cloudflare, "R2 Workers API reference", "Cache".
async function cloudflare() {
  const worker = (await import(pathToFileURL(file))).default;
  const kept = new Map();
  globalThis.caches = {
    default: {
      async match(request) {
        const found = kept.get(request.url);
        return found && new Response(found.bytes, found);
      },
      async put(request, response) {
        kept.set(request.url, { status: response.status, headers: [...response.headers], bytes: await response.arrayBuffer() });
      },
    },
  };
  const object = (key, answer, size, body) => ({
    key,
    size,
    httpEtag: answer.headers.get('etag'),
    customMetadata: Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('x-amz-meta-')).map(([name, value]) => [name.slice('x-amz-meta-'.length), value])),
    writeHttpMetadata: headers => ['content-type', 'cache-control'].forEach(name => answer.headers.has(name) && headers.set(name, answer.headers.get(name))),
    ...(body ? { body } : {}),
  });
  const r2 = {
    async head(key) {
      const answer = await fetch(`${bucket}/${key}`, { method: 'HEAD' });
      return answer.ok ? object(key, answer, Number(answer.headers.get('content-length'))) : null;
    },
    async get(key, { range, onlyIf }) {
      const headers = {};
      if (range) {
        headers.range = `bytes=${range.offset}-${range.offset + range.length - 1}`;
      }
      if (onlyIf?.has('if-none-match')) {
        headers['if-none-match'] = onlyIf.get('if-none-match');
      }
      const answer = await fetch(`${bucket}/${key}`, { headers });
      if (answer.status === 304) {
        return this.head(key);
      }
      const size = range ? Number(answer.headers.get('content-range')?.split('/')[1]) : Number(answer.headers.get('content-length'));
      return answer.ok ? object(key, answer, size, answer.body) : null;
    },
    async list({ prefix, delimiter, cursor }) {
      const query = new URLSearchParams({ 'list-type': '2', prefix });
      if (delimiter) {
        query.set('delimiter', delimiter);
      }
      if (cursor) {
        query.set('continuation-token', cursor);
      }
      const answer = await fetch(`${bucket}?${query}`);
      if (!answer.ok) {
        throw new Error(`list: ${answer.status}`);
      }
      const xml = await answer.text();
      const all = pattern => [...xml.matchAll(pattern)].map(match => match[1]);
      return {
        objects: all(/<Contents><Key>([^<]*)</g).map(key => ({ key })),
        delimitedPrefixes: all(/<CommonPrefixes><Prefix>([^<]*)</g),
        truncated: xml.includes('<IsTruncated>true<'),
        cursor: all(/<NextContinuationToken>([^<]*)</g)[0],
      };
    },
  };
  return async request => {
    const later = [];
    const answer = await worker.fetch(request, { BUCKET: r2 }, { waitUntil: promise => later.push(promise) });
    Promise.all(later).catch(error => { console.error(error); process.exit(1); });
    return answer;
  };
}

const edge = kind === 'cloudfront' ? cloudFront(fs.readFileSync(file, 'utf8')) : await cloudflare();

http.createServer(async (incoming, outgoing) => {
  try {
    const headers = Object.entries(incoming.headers).filter(([name]) => name !== 'host' && name !== 'connection');
    const answer = await edge(new Request(`http://${incoming.headers.host}${incoming.url}`, { method: incoming.method, headers }));
    outgoing.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => name !== 'connection' && name !== 'transfer-encoding')));
    if (incoming.method === 'HEAD' || !answer.body) {
      await answer.body?.cancel();
      outgoing.end();
    } else {
      Readable.fromWeb(answer.body).on('error', () => outgoing.destroy()).pipe(outgoing);
    }
  } catch (error) {
    console.error(error);
    outgoing.writeHead(500).end(`${error}`);
  }
}).listen(Number(port), '127.0.0.1');
