"""Says over the socket that a schedule changes, as the Frappe app does before it saves: announce.py SOCKET NAME [cancel]"""

import json
import socket
import sys
import time

path, name = sys.argv[1:3]
kind = "cancel_task_schedule" if sys.argv[3:] == ["cancel"] else "create_task_schedule"
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
    client.settimeout(5)
    client.connect(path)
    client.send(json.dumps({"request_type": kind, "request_content": name}).encode())
    time.sleep(0.5)
    print(client.recv(2048).decode())
