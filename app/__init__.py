"""EmailsMinder: takes an email over HTTP and delivers it through the next provider when the first one fails."""
