import Foundation

/// A web server that answers like a Frappe site with the app Background Tasks Unleashed; killed with the fixture.
///
/// A task's name says how it is answered: `TASK-404`, `TASK-417`, `TASK-500`, `TASK-503`, `TASK-HANG`, `TASK-CLOSE`, `TASK-DRIP`, `TASK-ONCE` (slow once), `TASK-GARBAGE` as they say, any
/// other with a pickled call of the function that the name ends in, after a colon, or of `tasks.note`, with task and schedule.
public final class FrappeWeb: ServerFixture {
    public static let token = "token key:s3cret"

    /// What it counted since its start.
    public struct Count: Sendable, Codable {
        public var requests: Int
        /// The most at once.
        public var most: Int
        public var hosts: [String]
        public var tasks: [String]
    }

    private static let program = #"""
        import http.server, json, os, pickle, ssl, sys, threading, time
        port, token, delay, cert, key = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4], sys.argv[5]
        lock, now, most, requests, hosts, tasks = threading.Lock(), 0, 0, 0, set(), []
        class Site(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                global now, most, requests
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/count":
                    with lock:
                        return self.answer(200, dict(requests=requests, most=most, hosts=sorted(hosts), tasks=tasks))
                with lock:
                    now += 1
                    requests += 1
                    most = max(most, now)
                    hosts.add(self.headers.get("Host") or "")
                try:
                    time.sleep(delay)
                    self.serve(body)
                finally:
                    with lock: now -= 1
            def serve(self, body):
                if self.headers.get("Authorization") != token:
                    return self.answer(403, {"exc_type": "AuthenticationError"})
                if os.path.exists(os.path.join(os.path.dirname(__file__), "down")): return self.answer(503, b"no backend")
                method = self.path.split(".")[-1]
                if method == "test_ping": return self.answer(200, {"message": "pong"})
                if method == "test_hello_world_bytes": return self.answer(200, b"hello world")
                if method == "test_function_ping_now_bytes": return self.answer(200, pickle.dumps(("ping", None, (), {})))
                if method != "get_pickled_task": return self.answer(404, {"exc_type": "DoesNotExistError"})
                asked = json.loads(body)
                task, schedule = asked["task_id"], asked["task_schedule_id"]
                with lock: tasks.append(task)
                if task in ("TASK-404", "TASK-417"):
                    return self.answer(int(task[5:]), {"exception": "frappe.exceptions.DoesNotExistError: BTU Task " + task})
                if task == "TASK-500": return self.answer(500, {"exception": "Traceback ...\nKeyError: 'wages'"})
                if task == "TASK-503": return self.answer(503, b"no backend")
                if task == "TASK-GARBAGE": return self.answer(200, {"message": "not a pickle"})
                if task == "TASK-HANG": time.sleep(600)
                if task == "TASK-CLOSE": return self.close()
                if task == "TASK-DRIP":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    time.sleep(600)
                if task == "TASK-ONCE" and tasks.count(task) == 1: time.sleep(2)
                function = task.split(":")[1] if ":" in task else "tasks.note"
                self.answer(200, {"message": list(pickle.dumps((function, None, (task, schedule), {}), protocol=5))})
            def answer(self, status, content):
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            def close(self):
                self.close_connection = True
                self.connection.shutdown(2)
            def log_message(self, *_): pass
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
        server = Server(("127.0.0.1", port), Site)
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """#

    public let folder: TemporaryFolder
    public let port: Int
    /// Nil speaks in the clear.
    private let certificates: TestCertificates?
    /// Of the certificate authority that signed its certificate; empty without TLS.
    public var caFile: String { certificates?.caFile ?? "" }
    public let process: ServerProcess

    /// Makes a web server; `delay` is how many seconds each answer takes.
    public init(delay: Double = 0, tls: Bool = false) throws {
        folder = try TemporaryFolder()
        certificates = tls ? try TestCertificates(in: folder) : nil
        port = try FreePort.find()
        process = ServerProcess(
            "the web server", "/usr/bin/env",
            [
                "python3", try folder.write("web.py", Self.program), "\(port)", Self.token, "\(delay)",
                certificates?.certificateFile ?? "", certificates?.keyFile ?? "",
            ], in: folder)
    }

    /// Starts it, also again on the same port; returns when it answers.
    public func start() async throws {
        try await process.start { (try? await count()) != nil }
    }

    public func count() async throws -> Count {
        let scheme = certificates == nil ? "http" : "https"
        let data = Data(
            try await Program.output("/usr/bin/env", ["python3", "-c", Self.reader, "\(scheme)://127.0.0.1:\(port)"])
                .utf8)
        return try JSONDecoder().decode(Count.self, from: data)
    }

    private static let reader = """
        import ssl, sys, urllib.request
        anyone = ssl._create_unverified_context()
        sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1] + "/count", timeout=5, context=anyone).read())
        """

    /// Answers 503 to everything, as a proxy whose backend is down.
    public func loseBackend() throws { try folder.write("down", "") }
}
