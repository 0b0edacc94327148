"""The web page: rendered here, kept current over server-sent events, without a build step."""
