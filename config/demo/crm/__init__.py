"""The CRM of the demo's bank: another system, to which the hub delivers what it records."""
