#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import Glibc
    import Synchronization

    /// A name server (RFC 1035) on a loopback address of its own, port 53 of which takes a superuser; it knows a service of
    /// MongoDB by the name `cluster.DOMAIN`, with one server on 127.0.0.1.
    final class NameServer: Sendable {
        private let address: String
        private let socket: Int32
        private let folder: TemporaryFolder
        private let log = Log()

        private final class Log: Sendable {
            let names = Mutex<[String]>([])
        }

        init(domain: String, port: Int) throws {
            folder = try TemporaryFolder()
            socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            address = "127.53.\(UInt8.random(in: 1...254)).\(UInt8.random(in: 1...254))"
            var own = sockaddr_in()
            own.sin_family = sa_family_t(AF_INET)
            own.sin_port = in_port_t(53).bigEndian
            inet_pton(AF_INET, address, &own.sin_addr)
            let socket = socket
            let status = withUnsafePointer(to: &own) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard status == 0 else { throw Failure(what: "port 53 of \(address): \(String(cString: strerror(errno)))") }
            try folder.write("resolv.conf", "nameserver \(address)\n")
            try BlockingThread.start(name: "names") { [log] in
                Self.serve(socket, domain, port) { name in log.names.withLock { $0.append(name) } }
            }
        }

        deinit {
            // Ends the thread, which waits for a question.
            shutdown(socket, Int32(SHUT_RDWR))
        }

        struct Failure: Error, CustomStringConvertible {
            var what: String
            var description: String { what }
        }

        /// Names that were asked for.
        var asked: [String] { log.names.withLock { $0 } }

        /// Runs `body` where this is the machine's name server; also for the threads that it starts, and for nobody else.
        func attending<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
            let file = folder.path + "/resolv.conf"
            return try await withCheckedThrowingContinuation { continuation in
                do {
                    try BlockingThread.start(name: "attending") {
                        continuation.resume(
                            with: Result {
                                try Self.enter(file)
                                return try body()
                            })
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }

        /// Gives the thread file systems of its own (mount_namespaces(7)), and in them this file for resolv.conf(5).
        private static func enter(_ file: String) throws {
            // It is behind _GNU_SOURCE, which Swift's module does not define; CLONE_NEWNS.
            guard let symbol = dlsym(nil, "unshare") else { throw Failure(what: "there is no unshare(2)") }
            let unshare = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
            let isDone =
                unshare(0x20000) == 0 && mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0
                && mount(file, "/etc/resolv.conf", nil, UInt(MS_BIND), nil) == 0
            guard isDone else { throw Failure(what: "a name server of one's own: \(String(cString: strerror(errno)))") }
        }

        // MARK: Answers

        private static func serve(_ socket: Int32, _ domain: String, _ port: Int, _ note: (String) -> Void) {
            defer { close(socket) }
            var buffer = [UInt8](repeating: 0, count: 512)
            while true {
                var from = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let count = withUnsafeMutablePointer(to: &from) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(socket, &buffer, buffer.count, 0, $0, &length)
                    }
                }
                guard count > 12 else {
                    if count <= 0 { return }
                    continue
                }
                let reply = answer(Array(buffer.prefix(count)), domain, port, note)
                _ = withUnsafePointer(to: &from) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(socket, reply, reply.count, 0, $0, length)
                    }
                }
            }
        }

        private static func answer(_ query: [UInt8], _ domain: String, _ port: Int, _ note: (String) -> Void) -> [UInt8]
        {
            var place = 12
            var labels: [String] = []
            while place < query.count, query[place] != 0 {
                let end = min(query.count, place + 1 + Int(query[place]))
                labels.append(String(decoding: query[place + 1..<end], as: UTF8.self))
                place = end
            }
            guard place + 4 < query.count else { return [] }
            let type = Int(query[place + 1]) << 8 | Int(query[place + 2])
            let name = labels.joined(separator: ".").lowercased()
            note("\(name) \(type)")
            var data: [UInt8]?
            switch (name, type) {
            // SRV (RFC 2782): priority, weight, port, host.
            case ("_mongodb._tcp.cluster.\(domain)", 33):
                let host = ["a"] + domain.split(separator: ".").map(String.init)
                data =
                    [0, 0, 0, 0, UInt8(port >> 8), UInt8(port & 255)]
                    + host.flatMap { [UInt8($0.utf8.count)] + $0.utf8 } + [0]
            case ("cluster.\(domain)", 16):
                let text = "authSource=admin"
                data = [UInt8(text.utf8.count)] + text.utf8
            case ("a.\(domain)", 1): data = [127, 0, 0, 1]
            default: break
            }
            let isKnown = ["_mongodb._tcp.cluster.\(domain)", "cluster.\(domain)", "a.\(domain)"].contains(name)
            var reply = Array(query[0..<2]) + [0x84, isKnown ? 0 : 3, 0, 1, 0, data == nil ? 0 : 1, 0, 0, 0, 0]
            reply += query[12..<place + 5]
            if let data {
                // The question's name and type, class IN, a minute.
                reply +=
                    [0xc0, 12, UInt8(type >> 8), UInt8(type & 255), 0, 1, 0, 0, 0, 60, 0, UInt8(data.count)] + data
            }
            return reply
        }
    }
#endif
