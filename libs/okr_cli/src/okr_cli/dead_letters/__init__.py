"""Messages that nobody could handle: listed, shown, and sent again once the cause is mended."""
