# A CloudFront distribution that makes the bucket @{bucket} (layout @{layout}) a registry to pull from. The bucket stays closed to
# everybody else. Written by 'pail edge cloudfront'; docs/edge.md. function.js and 404.json lie beside this file.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = @{region}
}

variable "bucket_policy" {
  description = "The policy that the bucket has, as JSON; null if it has none. Terraform replaces it by this and one statement more."
  type        = string
  default     = null
}

resource "aws_cloudfront_origin_access_control" "pail" {
  name                              = @{name}
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "pail" {
  name    = @{name}
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = file("${path.module}/function.js")
}

# What a digest names never changes.
resource "aws_cloudfront_cache_policy" "digests" {
  name        = "@{plainName}-digests"
  min_ttl     = 31536000
  default_ttl = 31536000
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

data "aws_cloudfront_cache_policy" "tags" {
  name = "Managed-CachingDisabled"
}
@if signed

# Every request needs a URL or cookies signed with the private key of this one.
resource "aws_cloudfront_public_key" "pail" {
  name        = @{name}
  encoded_key = jsondecode(file("${path.module}/public-key.json")).EncodedKey
}

resource "aws_cloudfront_key_group" "pail" {
  name  = @{name}
  items = [aws_cloudfront_public_key.pail.id]
}
@end

resource "aws_cloudfront_distribution" "pail" {
  comment         = @{comment}
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
@if host
  aliases         = [@{host}]
@end

  origin {
    origin_id                = "bucket"
    domain_name              = @{originDomain}
    origin_path              = @{originPath}
    origin_access_control_id = aws_cloudfront_origin_access_control.pail.id
  }

  dynamic "ordered_cache_behavior" {
    for_each = [@{digestPaths}]
    content {
      path_pattern           = ordered_cache_behavior.value
      target_origin_id       = "bucket"
      viewer_protocol_policy = "redirect-to-https"
      allowed_methods        = ["GET", "HEAD"]
      cached_methods         = ["GET", "HEAD"]
      compress               = false
      cache_policy_id        = aws_cloudfront_cache_policy.digests.id
@if signed
      trusted_key_groups     = [aws_cloudfront_key_group.pail.id]
@end

      dynamic "function_association" {
        for_each = ["viewer-request", "viewer-response"]
        content {
          event_type   = function_association.value
          function_arn = aws_cloudfront_function.pail.arn
        }
      }
    }
  }

  default_cache_behavior {
    target_origin_id       = "bucket"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    compress               = false
    cache_policy_id        = data.aws_cloudfront_cache_policy.tags.id
@if signed
    trusted_key_groups     = [aws_cloudfront_key_group.pail.id]
@end

    dynamic "function_association" {
      for_each = ["viewer-request", "viewer-response"]
      content {
        event_type   = function_association.value
        function_arn = aws_cloudfront_function.pail.arn
      }
    }
  }

  # S3 answers 403 for what is not there to those who may not list.
  dynamic "custom_error_response" {
    for_each = [403, 404]
    content {
      error_code            = custom_error_response.value
      response_code         = 404
      response_page_path    = "/@{errorKey}"
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
@if host
    acm_certificate_arn      = @{certificate}
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
@else
    cloudfront_default_certificate = true
@end
  }
}

# The body of every 404.
resource "aws_s3_object" "missing" {
  bucket        = @{bucketName}
  key           = @{errorObject}
  source        = "${path.module}/404.json"
  etag          = filemd5("${path.module}/404.json")
  content_type  = "application/json"
  cache_control = "no-cache"
}

data "aws_iam_policy_document" "pail" {
  source_policy_documents = var.bucket_policy == null ? [] : [var.bucket_policy]

  statement {
    sid       = "PailCloudFront"
    actions   = ["s3:GetObject"]
    resources = [@{resources}]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "AWS:SourceArn"
      values   = [aws_cloudfront_distribution.pail.arn]
    }
  }
}

resource "aws_s3_bucket_policy" "pail" {
  bucket = @{bucketName}
  policy = data.aws_iam_policy_document.pail.json
}

output "registry" {
@if host
  description = "The domain that the DNS record of the registry (CNAME) leads to."
@else
  description = "The host of the registry."
@end
  value       = aws_cloudfront_distribution.pail.domain_name
}
@if signed

output "key_pair_id" {
  description = "For pail serve --redirect-key-pair."
  value       = aws_cloudfront_public_key.pail.id
}
@end
