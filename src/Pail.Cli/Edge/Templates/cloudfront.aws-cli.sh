#!/bin/sh
# Makes a CloudFront distribution, and with it the bucket @{commentBucket} (layout @{layout}) a registry to pull from. The bucket
# stays closed to everybody else. Written by 'pail edge cloudfront'; docs/edge.md. Run it once; needs aws (version 2), and the other
# files beside it.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The policy of the bucket, if it has one. Other failures end the script before it makes anything.
if aws s3api get-bucket-policy --bucket @{bucketName} --query Policy --output text >"$work/policy" 2>"$work/error"; then
    has_policy=1
elif grep -q NoSuchBucketPolicy "$work/error"; then
    has_policy=
else
    cat "$work/error" >&2
    exit 1
fi

aws s3api put-object --bucket @{bucketName} --key @{errorObject} --body 404.json --content-type application/json --cache-control no-cache >/dev/null

control=$(aws cloudfront create-origin-access-control --query OriginAccessControl.Id --output text --origin-access-control-config \
    @{controlConfig})
function=$(aws cloudfront create-function --name @{name} --function-config Comment=pail,Runtime=cloudfront-js-2.0 \
    --function-code fileb://function.js --query ETag --output text)
function_arn=$(aws cloudfront publish-function --name @{name} --if-match "$function" --query FunctionSummary.FunctionMetadata.FunctionARN --output text)
digests=$(aws cloudfront create-cache-policy --cache-policy-config file://cache-policy.json --query CachePolicy.Id --output text)
@if signed
key=$(aws cloudfront create-public-key --public-key-config file://public-key.json --query PublicKey.Id --output text)
group=$(aws cloudfront create-key-group --query KeyGroup.Id --output text --key-group-config Name=@{name},Items="$key")
@end

sed -e "s|@CONTROL@|$control|" -e "s|@FUNCTION@|$function_arn|" -e "s|@DIGESTS@|$digests|" \
@if signed
    -e "s|@GROUP@|$group|" \
@end
    -e "s|@NOW@|pail-$(date +%s)|" distribution.json >"$work/distribution.json"
aws cloudfront create-distribution --distribution-config "file://$work/distribution.json" \
    --query '[Distribution.ARN,Distribution.DomainName]' --output text >"$work/made"
read -r distribution domain <"$work/made"

sed "s|@DISTRIBUTION@|$distribution|" bucket-policy.json >"$work/ours"
if [ -n "$has_policy" ]; then
    echo "The bucket has a policy already. Add this statement to it:" >&2
    cat "$work/ours"
else
    aws s3api put-bucket-policy --bucket @{bucketName} --policy "file://$work/ours"
fi
echo "registry: $domain"
@if signed
echo "key pair for pail serve --redirect-key-pair: $key"
@end
