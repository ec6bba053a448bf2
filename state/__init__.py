"""What changes while the daemon runs, one file each: the markets, our live orders, our money and positions."""
