"""Makes the store anew from the log, and proves it equal to the old one."""
