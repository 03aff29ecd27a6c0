"""Runs a command beside a server in a temporary folder, whose address is in $SERVER: beside.py postgres | rabbitmq COMMAND…"""
import os, shutil, subprocess, sys, tempfile

kind, command = sys.argv[1], sys.argv[2:]
folder = tempfile.mkdtemp(prefix="carillon-beside-")
try:
    if kind == "postgres":
        from postgres_rig import Postgres
        server = Postgres(folder)
        server.start()
        server.ready()
        address = server.database()
    else:
        from bus_rig import Broker
        server = Broker(folder)
        server.start()
        server.connect().close()
        address = server.url
    try:
        status = subprocess.run(command, env={**os.environ, "SERVER": address}).returncode
    finally:
        server.kill()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(status)
