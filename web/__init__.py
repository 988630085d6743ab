"""What every door shares: requests, answers, problems, hosts, addresses, robots, limits."""
