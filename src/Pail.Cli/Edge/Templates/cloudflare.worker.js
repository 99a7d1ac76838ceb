// Serves the bucket @{bucket} (layout @{layout}) of R2 as a registry to pull from.
// Written by 'pail edge cloudflare'; docs/edge.md. The binding BUCKET is in wrangler.toml.
const prefix = @{prefix};
const forever = 'public, max-age=31536000, immutable, no-transform';
const path = '^/v2/([a-z0-9._/-]+)';
const digest = '(sha256|sha512):([0-9a-f]+)$';
const routes = [
  [new RegExp(`${path}/blobs/${digest}`), match => object('BLOB_UNKNOWN', @{blobKey}, `${match[2]}:${match[3]}`)],
  [new RegExp(`${path}/manifests/${digest}`), match => object('MANIFEST_UNKNOWN', @{manifestKey}, `${match[2]}:${match[3]}`)],
  [new RegExp(`${path}/manifests/([a-zA-Z0-9_][a-zA-Z0-9._-]*)$`), match => object('MANIFEST_UNKNOWN', @{tagKey})],
  [new RegExp(`${path}/referrers/${digest}`), match => object('MANIFEST_UNKNOWN', @{referrersKey})],
@if pool
  [new RegExp('^/blobs/(sha256|sha512)/([0-9a-f]+)$'), match => object('BLOB_UNKNOWN', match[0].slice(1), `${match[1]}:${match[2]}`)],
@end
  [new RegExp(`${path}/tags/list$`), match => (request, env) => tags(request, env, match[1])],
  [/^\/v2\/_catalog$/, () => catalog],
  [/^\/v2\/$/, () => () => json(200, {})],
  [/^\/v2$/, () => () => new Response(null, { status: 301, headers: { Location: '/v2/' } })],
];

export default {
  async fetch(request, env, context) {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refuse(405, 'UNSUPPORTED', 'this registry is only pulled from');
    }
    const { pathname } = new URL(request.url);
    for (const [pattern, handler] of routes) {
      const match = pathname.match(pattern);
      if (match) {
        return await handler(match)(request, env, context);
      }
    }
    return refuse(404, 'NAME_UNKNOWN', 'there is nothing at this path');
  },
};

// Returns what answers for an object: of R2, or, where its digest names it, of Cloudflare's cache.
function object(unknown, key, named) {
  return async (request, env, context) => {
    const url = new URL(request.url);
    // Neither the query nor a login takes part in what is kept.
    const kept = new Request(url.origin + url.pathname);
    const plain = request.method === 'GET' && !request.headers.has('Range') && !request.headers.has('If-None-Match');
    const found = named && plain && await caches.default.match(kept);
    if (found) {
      return found;
    }
    const response = await read(request, env.BUCKET, prefix + key, named) ?? refuse(404, unknown, `${named ?? key} is not known here`);
    if (named && plain && response.status === 200) {
      context.waitUntil(caches.default.put(kept, response.clone()));
    }
    return response;
  };
}

// Reads an object, or the range of it that is asked for; null if there is none. A range costs a second operation of class B.
async function read(request, bucket, key, named) {
  const asked = request.headers.get('Range');
  const ranged = request.method === 'GET' && asked && !request.headers.has('If-Range') ? asked.match(/^bytes=(?=\d|-\d)(\d*)-(\d*)$/) : null;
  const head = request.method === 'HEAD' || ranged ? await bucket.head(key) : null;
  if ((request.method === 'HEAD' || ranged) && !head) {
    return null;
  }
  if (request.method === 'HEAD') {
    return reply(200, head, named, head.size, null);
  }
  const range = ranged && within(ranged, head.size);
  if (range && range.length <= 0) {
    return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${head.size}` } });
  }
  const got = await bucket.get(key, range ? { range } : { onlyIf: request.headers });
  if (!got) {
    return null;
  }
  if (range) {
    return reply(206, got, named, range.length, got.body, { 'Content-Range': `bytes ${range.offset}-${range.offset + range.length - 1}/${got.size}` });
  }
  return got.body ? reply(200, got, named, got.size, got.body) : reply(304, got, named, null, null);
}

// The bytes that a range means; of no length if there are none.
function within([, first, last], size) {
  if (first === '') {
    const length = Math.min(Number(last), size);
    return { offset: size - length, length };
  }
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { offset: Number(first), length: end - Number(first) + 1 };
}

function reply(status, got, named, length, body, more = {}) {
  const headers = new Headers({ 'Accept-Ranges': 'bytes', 'Docker-Distribution-Api-Version': 'registry/2.0', ...more });
  got.writeHttpMetadata(headers);
  headers.set('ETag', got.httpEtag);
  headers.set('Cache-Control', named ? forever : 'no-cache');
  const known = named ?? got.customMetadata?.dockercontentdigest ?? got.customMetadata?.['docker-content-digest'];
  if (known) {
    headers.set('Docker-Content-Digest', known);
  }
  if (length !== null) {
    headers.set('Content-Length', `${length}`);
  }
  return new Response(body, { status, headers });
}

// A page of the tags there are. Source: OCI distribution-spec, "Listing tags".
async function tags(request, env, repository) {
  const names = await list(env.BUCKET, `${prefix}@{tagPrefix}`, @{tagDelimiter}, @{tagPattern});
  return names.length === 0
    ? refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry')
    : page(request, `/v2/${repository}/tags/list`, names, tags => ({ name: repository, tags }));
}

// A page of the repositories there are: those that have a tag.
async function catalog(request, env) {
  const names = await list(env.BUCKET, `${prefix}@{repositoryPrefix}`, @{repositoryDelimiter}, @{repositoryPattern});
  return page(request, '/v2/_catalog', names, repositories => ({ repositories }));
}

// What a pattern finds in the keys below a prefix, sorted: an operation of class A for each 1,000 keys.
async function list(bucket, below, delimiter, pattern) {
  const names = new Set();
  for (let cursor, more = true; more;) {
    const found = await bucket.list({ prefix: below, delimiter, cursor });
    for (const key of [...found.objects.map(item => item.key), ...found.delimitedPrefixes]) {
      const match = key.slice(below.length).match(pattern);
      if (match) {
        names.add(match[1]);
      }
    }
    more = found.truncated;
    cursor = found.cursor;
  }
  return [...names].sort();
}

function page(request, path, names, body) {
  const { searchParams } = new URL(request.url);
  const last = searchParams.get('last');
  const rest = last === null ? names : names.filter(name => name > last);
  const n = searchParams.get('n');
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    return refuse(400, 'PAGINATION_NUMBER_INVALID', 'n is a number');
  }
  const shown = n === null ? rest : rest.slice(0, Number(n));
  const more = shown.length > 0 && shown.length < rest.length
    ? { Link: `<${path}?n=${n}&last=${encodeURIComponent(shown.at(-1))}>; rel="next"` }
    : {};
  return json(200, body(shown), more);
}

function json(status, value, more = {}) {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache', 'Docker-Distribution-Api-Version': 'registry/2.0', ...more },
  });
}

function refuse(status, code, message) {
  return json(status, { errors: [{ code, message }] });
}
