package not.parsed
