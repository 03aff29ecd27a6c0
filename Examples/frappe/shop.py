"""What the workers call."""

import datetime


def greet(who="you"):
    print(f"{datetime.datetime.now():%H:%M:%S} hello {who}", flush=True)
    return f"hello {who}"


def payroll(city="everywhere"):
    print(f"{datetime.datetime.now():%H:%M:%S} wages paid in {city}", flush=True)


def stumble():
    raise ValueError("there is no more coffee")
