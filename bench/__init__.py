"""What the hot paths cost, as ratios against mosquitto in the same run.

Only the server's CPU time counts, as the kernel keeps it for the whole process; how fast the load comes does not.
Absolute times mean little on another machine, ratios mean something.
"""
