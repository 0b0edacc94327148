"""The language and the plumbing that all OKR services share."""
