"""Bybit v5 spot over loopback: REST, public and private streams; its client order ids are unique for ever."""
