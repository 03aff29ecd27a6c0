"""A Frappe site's web server, as far as a scheduler sees it: it says what a task is to call.

web.py PORT MYSQL_PORT TOKEN
"""

import http.server
import json
import pickle
import sys

import pymysql

PORT, MYSQL_PORT, TOKEN = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
METHODS = "/api/method/btu.btu_api.endpoints."


def database():
    return pymysql.connect(host="127.0.0.1", port=MYSQL_PORT, user="frappe", password="frappe", database="site")


def pickled(site, task, schedule):
    """The job of RQ: (function, instance, arguments, keywords); a schedule's own arguments come last."""
    with site.cursor() as cursor:
        cursor.execute("SELECT function_string, arguments FROM `tabBTU Task` WHERE name = %s", (task,))
        row = cursor.fetchone()
        if row is None:
            return None
        function, arguments = row
        keywords = json.loads(arguments or "{}")
        if schedule:
            cursor.execute("SELECT argument_overrides FROM `tabBTU Task Schedule` WHERE name = %s", (schedule,))
            keywords.update(json.loads((cursor.fetchone() or (None,))[0] or "{}"))
    return pickle.dumps((function, None, (), keywords), protocol=5)


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != TOKEN:
            return self.answer(403, {"exc_type": "AuthenticationError"})
        try:
            # Frappe looks the token's owner up before anything else.
            with database() as site:
                self.serve(site, body)
        except pymysql.Error as error:
            self.answer(500, {"exception": f"{type(error).__name__}: {error.args[-1]}"})

    def serve(self, site, body):
        match self.path.removeprefix(METHODS):
            case "test_ping":
                self.answer(200, {"message": "pong"})
            case "test_function_ping_now_bytes":
                self.answer(200, pickle.dumps(("shop.greet", None, (), {}), protocol=5))
            case "test_hello_world_bytes":
                self.answer(200, b"hello world")
            case "get_pickled_task":
                asked = json.loads(body)
                call = pickled(site, asked["task_id"], asked["task_schedule_id"])
                if call is None:
                    return self.answer(404, {"exc_type": "DoesNotExistError"})
                self.answer(200, {"message": list(call)})
            case _:
                self.answer(404, {"exc_type": "DoesNotExistError"})

    def answer(self, status, content):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Site).serve_forever()
