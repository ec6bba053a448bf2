"""Trading on live data: sessions that are restored from rows, reconciled with the venue, and deliberately armed."""
