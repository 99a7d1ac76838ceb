// Makes a distribution over the bucket @{bucket} (layout @{layout}) a registry to pull from: for viewer requests and viewer responses.
// Written by 'pail edge cloudfront'; docs/edge.md. Runtime: cloudfront-js-2.0.
var repository = '([a-z0-9._/-]+)';
var digest = '(sha256|sha512):([0-9a-f]+)';
var paths = {
  blob: new RegExp('^/v2/' + repository + '/blobs/' + digest + '$'),
  manifest: new RegExp('^/v2/' + repository + '/manifests/' + digest + '$'),
  tag: new RegExp('^/v2/' + repository + '/manifests/([a-zA-Z0-9_][a-zA-Z0-9._-]*)$'),
  referrers: new RegExp('^/v2/' + repository + '/referrers/' + digest + '$'),
@if lists
  list: new RegExp('^/v2/' + repository + '/tags/list$')
@end
@if pool
  raw: new RegExp('^/blobs/(sha256|sha512)/([0-9a-f]+)$')
@end
};

function handler(event) {
  return event.context.eventType === 'viewer-response' ? answer(event.request.uri, event.response) : ask(event.request);
}

// Returns the request for the object that a path names, or the answer where there is no object.
function ask(request) {
  var uri = request.uri;
  var match;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(405, 'Method Not Allowed', 'UNSUPPORTED', 'this registry is only pulled from');
  }
  if (uri === '/v2') {
    return { statusCode: 301, statusDescription: 'Moved Permanently', headers: { location: { value: '/v2/' } } };
  }
  if (uri === '/v2/') {
    return json(200, 'OK', {});
  }
  // Clients with a login send it without being asked, and S3 refuses (400) one that is not its own.
  delete request.headers.authorization;
  if ((match = uri.match(paths.blob))) {
    request.uri = '/' + @{blobKey};
@if pool
  } else if (paths.raw.test(uri)) {
    request.uri = uri;
@end
  } else if ((match = uri.match(paths.manifest))) {
    request.uri = '/' + @{manifestKey};
  } else if ((match = uri.match(paths.tag))) {
    request.uri = '/' + @{tagKey};
  } else if ((match = uri.match(paths.referrers))) {
    request.uri = '/' + @{referrersKey};
@if lists
  } else if ((match = uri.match(paths.list))) {
    if (request.querystring.n && request.querystring.n.value === '0') {
      return json(200, 'OK', { name: match[1], tags: [] });
    }
    request.uri = '/' + @{tagListKey};
  } else if (uri === '/v2/_catalog') {
    if (request.querystring.n && request.querystring.n.value === '0') {
      return json(200, 'OK', { repositories: [] });
    }
    request.uri = '/' + @{catalogKey};
@end
  } else if (uri !== '/@{errorKey}') {
    return refuse(404, 'Not Found', 'NAME_UNKNOWN', 'there is nothing at this path');
  }
  return request;
}

// Adds what S3 can't say. CloudFront calls it for answers below 400 alone; it takes the others from @{errorKey}.
// The path may be that of the viewer or that which was asked for.
function answer(uri, response) {
  var headers = response.headers;
  var named = headers['x-amz-meta-dockercontentdigest'] || headers['x-amz-meta-docker-content-digest'];
  var match = uri.match(/^\/blobs\/(sha256|sha512)\/([0-9a-f]+)$/) || uri.match(/^\/v2\/.+\/(?:blobs|manifests)\/(sha256|sha512):([0-9a-f]+)$/);
  headers['docker-distribution-api-version'] = { value: 'registry/2.0' };
  if (match) {
    headers['docker-content-digest'] = { value: match[1] + ':' + match[2] };
    headers['cache-control'] = { value: 'public, max-age=31536000, immutable, no-transform' };
  } else {
    headers['cache-control'] = { value: 'no-cache' };
    if (named) {
      headers['docker-content-digest'] = { value: named.value };
    }
  }
  return response;
}

function json(status, description, value) {
  return {
    statusCode: status,
    statusDescription: description,
    headers: {
      'content-type': { value: 'application/json' },
      'cache-control': { value: 'no-cache' },
      'docker-distribution-api-version': { value: 'registry/2.0' }
    },
    body: JSON.stringify(value)
  };
}

function refuse(status, description, code, message) {
  return json(status, description, { errors: [{ code: code, message: message }] });
}
