#if RabbitMQ
    import BlockingConnection
    import CRabbitMQ
    import Glibc

    /// One connection to a broker, opened when it is first needed; on its client's thread only.
    ///
    /// It never comes back by itself: whoever owns it makes another, and declares everything anew.
    final class Session {
        let configuration: AMQPConfiguration
        private var handle: amqp_connection_state_t?
        private var failure: AMQPError?
        /// Why the broker takes no messages, as it said (its extension `connection.blocked`); nil when it does.
        private(set) var blockage: String?
        private var channels: Set<UInt16> = []

        init(_ configuration: AMQPConfiguration) { self.configuration = configuration }

        // MARK: Coming and going

        /// Connects unless it is connected. Throws what broke it, once it is broken.
        func connection() throws(AMQPError) -> amqp_connection_state_t {
            if let failure { throw failure }
            if let handle { return handle }
            do {
                return try open()
            } catch {
                failure = error
                close()
                throw error
            }
        }

        private func open() throws(AMQPError) -> amqp_connection_state_t {
            guard let handle = amqp_new_connection() else { throw error(.unreachable, "no memory for a connection") }
            self.handle = handle
            var limit = timeval(tv_sec: configuration.patience, tv_usec: 0)
            amqp_set_handshake_timeout(handle, &limit)
            amqp_set_rpc_timeout(handle, &limit)
            guard let socket = try makeSocket(handle) else { throw error(.unreachable, "no memory for a socket") }
            let status = amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &limit)
            guard status == AMQP_STATUS_OK.rawValue else {
                // The library does not tell what its socket said.
                let why = status == AMQP_STATUS_SOCKET_ERROR.rawValue ? "nobody takes it" : Self.text(status)
                throw error(.unreachable, "no connection: \(why)")
            }
            let reply = carillon_amqp_login(
                handle, configuration.vhost, Int32(configuration.heartbeat), configuration.user, configuration.password)
            do throws(AMQPError) {
                try check(reply, "log in")
            } catch {
                // A broker that does not like a user may also simply hang up, after a moment that it takes on purpose.
                throw self.error(error.kind == .lost ? .refused : error.kind, error.message, code: error.code)
            }
            return handle
        }

        private func makeSocket(_ handle: amqp_connection_state_t) throws(AMQPError) -> OpaquePointer? {
            guard let tls = configuration.tls else { return amqp_tcp_socket_new(handle) }
            guard let socket = amqp_ssl_socket_new(handle) else { return nil }
            amqp_ssl_socket_set_verify_peer(socket, tls.verifies ? 1 : 0)
            amqp_ssl_socket_set_verify_hostname(socket, tls.verifies ? 1 : 0)
            let trusted = tls.caFile ?? "/etc/ssl/certs/ca-certificates.crt"
            if tls.verifies || tls.caFile != nil {
                guard amqp_ssl_socket_set_cacert(socket, trusted) == AMQP_STATUS_OK.rawValue else {
                    throw error(.badConfiguration, "the certificates of \(trusted) cannot be read")
                }
            }
            if let certificate = tls.certificateFile, let key = tls.keyFile {
                guard amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue else {
                    throw error(.badConfiguration, "\(certificate) and \(key) are no certificate and its key")
                }
            }
            return socket
        }

        /// Ends the session.
        func close() {
            guard let handle else { return }
            self.handle = nil
            if failure == nil {
                var moment = timeval(tv_sec: 1, tv_usec: 0)
                amqp_set_rpc_timeout(handle, &moment)
                amqp_connection_close(handle, AMQP_REPLY_SUCCESS)
            }
            amqp_destroy_connection(handle)
            failure = failure ?? error(.closed, "the connection is closed")
        }

        // MARK: Channels

        /// Opens a channel unless it is open; a channel is closed by the first thing on it that the broker does not like.
        func channel(_ number: UInt16, _ prepare: (amqp_connection_state_t) throws(AMQPError) -> Void) throws(AMQPError)
            -> amqp_connection_state_t
        {
            let handle = try connection()
            if channels.contains(number) { return handle }
            amqp_channel_open(handle, number)
            try check(amqp_get_rpc_reply(handle), "open a channel", on: number)
            channels.insert(number)
            try prepare(handle)
            return handle
        }

        func closeChannel(_ number: UInt16) throws(AMQPError) {
            let reply = amqp_channel_close(try connection(), number, AMQP_REPLY_SUCCESS)
            channels.remove(number)
            try check(reply, "close a channel", on: number)
        }

        func isOpen(_ number: UInt16) -> Bool { channels.contains(number) }

        // MARK: Answers

        /// Checks the answer to a call. Throws `statement` for a channel that the broker closed, and breaks the session for worse.
        func check(_ reply: amqp_rpc_reply_t, _ what: String, on channel: UInt16 = 0) throws(AMQPError) {
            switch reply.reply_type {
            case AMQP_RESPONSE_NORMAL: return
            case AMQP_RESPONSE_SERVER_EXCEPTION: throw closed(by: reply.reply.id, reply.reply.decoded, channel)
            default: throw broken(reply.library_error, what)
            }
        }

        func check(_ status: Int32, _ what: String) throws(AMQPError) {
            if status != AMQP_STATUS_OK.rawValue { throw broken(status, what) }
        }

        /// Breaks the session for what the library says.
        func broken(_ status: Int32, _ what: String) -> AMQPError {
            let isSlow = status == AMQP_STATUS_TIMEOUT.rawValue
            return fail(error(isSlow ? .timedOut : .lost, "cannot \(what): \(Self.text(status))"))
        }

        func fail(_ error: AMQPError) -> AMQPError {
            failure = error
            close()
            return error
        }

        /// Takes note of a method that the broker sent by itself, such as a close; true when it was one of these. Throws when the
        /// connection is closed, or a channel.
        func takes(_ method: UInt32, _ decoded: UnsafeRawPointer?, on channel: UInt16) throws(AMQPError) -> Bool {
            switch method {
            case Method.connectionBlocked:
                let reason = decoded?.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee.reason
                blockage = reason.map { String($0) } ?? "no reason given"
                return true
            case Method.connectionUnblocked:
                blockage = nil
                return true
            case Method.channelClose, Method.connectionClose: throw closed(by: method, decoded, channel)
            default: return false
            }
        }

        /// Answers a close. That of the connection breaks the session.
        private func closed(by method: UInt32, _ decoded: UnsafeRawPointer?, _ channel: UInt16) -> AMQPError {
            guard let handle, let decoded else { return fail(error(.lost, "the connection is gone")) }
            if method == Method.channelClose {
                let why = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
                let error = error(.statement, String(why.reply_text), code: Int(why.reply_code))
                channels.remove(channel)
                var answer = amqp_channel_close_ok_t()
                let status = amqp_send_method(handle, channel, Method.channelCloseOK, &answer)
                return status == AMQP_STATUS_OK.rawValue ? error : broken(status, "close a channel")
            }
            let why = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            var answer = amqp_connection_close_ok_t()
            amqp_send_method(handle, 0, Method.connectionCloseOK, &answer)
            let isRefusal = [402, 403, 530].contains(Int(why.reply_code))
            return fail(
                error(isRefusal ? .refused : .lost, String(why.reply_text), code: Int(why.reply_code)))
        }

        // MARK: Waiting

        /// Waits until the broker says something, `wake` can be read, or so many microseconds are over.
        func waitForNews(_ microseconds: Int64, wake: Int32 = -1) throws(AMQPError) {
            let handle = try connection()
            if amqp_frames_enqueued(handle) != 0 || amqp_data_in_buffer(handle) != 0 { return }
            var both = [
                pollfd(fd: amqp_get_sockfd(handle), events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            poll(&both, 2, Int32(clamping: (microseconds + 999) / 1_000))
        }

        /// Sends a heartbeat, which the library does only where it waits for the broker.
        func beat() throws(AMQPError) {
            var frame = amqp_frame_t()
            frame.frame_type = UInt8(AMQP_FRAME_HEARTBEAT)
            try check(amqp_send_frame(try connection(), &frame), "give a sign of life")
        }

        /// Whether a message of a usual size can be sent without a wait, after so many microseconds at most.
        func hasRoom(within microseconds: Int64) throws(AMQPError) -> Bool {
            var socket = pollfd(fd: amqp_get_sockfd(try connection()), events: Int16(POLLOUT), revents: 0)
            return poll(&socket, 1, Int32(clamping: (microseconds + 999) / 1_000)) > 0
        }

        func error(_ kind: AMQPError.Kind, _ message: String, code: Int? = nil) -> AMQPError {
            AMQPError(kind, message, code: code, server: configuration.address)
        }

        private static func text(_ status: Int32) -> String {
            let code = errno
            if status == AMQP_STATUS_SOCKET_ERROR.rawValue, code != 0 { return String(cString: strerror(code)) }
            return words(status)
        }

        private static func words(_ status: Int32) -> String {
            amqp_error_string2(status).map { String(cString: $0) } ?? "error \(status)"
        }
    }

    /// Methods of AMQP 0-9-1 by their numbers: the class in the upper half, the method in the lower one (its section 1.8).
    enum Method {
        static let connectionClose: UInt32 = 10 << 16 | 50
        static let connectionCloseOK: UInt32 = 10 << 16 | 51
        /// The two of the broker's extension "Blocked Connection Notifications".
        static let connectionBlocked: UInt32 = 10 << 16 | 60
        static let connectionUnblocked: UInt32 = 10 << 16 | 61
        static let channelClose: UInt32 = 20 << 16 | 40
        static let channelCloseOK: UInt32 = 20 << 16 | 41
        static let basicCancel: UInt32 = 60 << 16 | 30
        static let basicReturn: UInt32 = 60 << 16 | 50
        static let basicAck: UInt32 = 60 << 16 | 80
        /// The broker's extension "Publisher Confirms".
        static let basicNack: UInt32 = 60 << 16 | 120
    }

    extension String {
        init(_ bytes: amqp_bytes_t) {
            self.init(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
        }

        /// Lends the text as the library takes one; its memory lasts as long as `body`.
        func withBytes<Value>(_ body: (amqp_bytes_t) throws(AMQPError) -> Value) throws(AMQPError) -> Value {
            try Array(utf8).withBytes(body)
        }
    }

    extension [UInt8] {
        func withBytes<Value>(_ body: (amqp_bytes_t) throws(AMQPError) -> Value) throws(AMQPError) -> Value {
            try withUnsafeBufferPointer { buffer throws(AMQPError) in
                try body(amqp_bytes_t(len: buffer.count, bytes: UnsafeMutableRawPointer(mutating: buffer.baseAddress)))
            }
        }
    }
#endif
