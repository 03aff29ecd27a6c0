#if MariaDB
    import BlockingConnection
    import CMariaDB
    import Glibc

    typealias Handle = UnsafeMutablePointer<MYSQL>

    /// Opens connections; on the session's thread, as everything here that has a handle.
    struct Dialer {
        /// Ways to log in that never show the password, and leave the server nothing to ask for but the answer to a
        /// challenge. The library would otherwise do whatever way the server names, `mysql_clear_password` too.
        private static let plugins = "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password"
        /// `sha256_password` and a first `caching_sha2_password` are RSA without TLS, and the key is the server's word.
        private static let plainPlugins = "mysql_native_password,client_ed25519"

        let configuration: MariaDBConfiguration

        /// Opens a connection in the state every call expects: utf8mb4, autocommit, repeatable read.
        func dial() throws(MariaDBError) -> Handle {
            if let flaw = configuration.flaw {
                throw MariaDBError(.badConfiguration, flaw, server: configuration.address)
            }
            guard let handle = mysql_init(nil) else {
                throw MariaDBError(.unreachable, "there is no memory for a connection", server: configuration.address)
            }
            do throws(MariaDBError) {
                setOptions(of: handle)
                if configuration.socketPath == nil, let tls = configuration.tls { try secure(handle, tls) }
                try connect(handle)
                try prepare(handle)
                return handle
            } catch {
                mysql_close(handle)
                throw error
            }
        }

        private func setOptions(of handle: Handle) {
            _ = carillon_mariadb_set_number(handle, MYSQL_OPT_CONNECT_TIMEOUT, UInt32(configuration.connectTimeout))
            _ = carillon_mariadb_set_number(handle, MYSQL_OPT_READ_TIMEOUT, UInt32(configuration.readTimeout))
            _ = carillon_mariadb_set_number(handle, MYSQL_OPT_WRITE_TIMEOUT, UInt32(configuration.writeTimeout))
            let largest = UInt(min(max(configuration.largestRow, 1 << 20), 1 << 30))
            _ = carillon_mariadb_set_size(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, largest)
            // Otherwise the library takes "localhost" for its own idea of the socket's path.
            let kind = configuration.socketPath == nil ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET
            _ = carillon_mariadb_set_number(handle, MYSQL_OPT_PROTOCOL, UInt32(kind.rawValue))
            _ = carillon_mariadb_set_text(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4")
            // The library would connect again in the middle of a transaction, and go on without its first half.
            _ = carillon_mariadb_set_flag(handle, MYSQL_OPT_RECONNECT, 0)
            // A server may ask for any file of the client's with this.
            _ = carillon_mariadb_set_number(handle, MYSQL_OPT_LOCAL_INFILE, 0)
            let isSafe = configuration.socketPath != nil || configuration.tls?.verify == true
            _ = carillon_mariadb_set_text(
                handle, MARIADB_OPT_RESTRICTED_AUTH, isSafe ? Self.plugins : Self.plainPlugins)
        }

        private func secure(_ handle: Handle, _ tls: MariaDBConfiguration.TLS) throws(MariaDBError) {
            // The library says neither which file it is, nor always that it is one.
            for case let file? in [tls.caFile, tls.certificateFile, tls.keyFile] where access(file, R_OK) != 0 {
                let reason = "\(file): \(String(cString: strerror(errno)))"
                throw MariaDBError(.badConfiguration, reason, server: configuration.address)
            }
            _ = carillon_mariadb_set_flag(handle, MYSQL_OPT_SSL_ENFORCE, 1)
            _ = carillon_mariadb_set_flag(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, tls.verify ? 1 : 0)
            _ = carillon_mariadb_set_text(handle, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3")
            if let file = tls.caFile { _ = carillon_mariadb_set_text(handle, MYSQL_OPT_SSL_CA, file) }
            if let file = tls.certificateFile { _ = carillon_mariadb_set_text(handle, MYSQL_OPT_SSL_CERT, file) }
            if let file = tls.keyFile { _ = carillon_mariadb_set_text(handle, MYSQL_OPT_SSL_KEY, file) }
        }

        private func connect(_ handle: Handle) throws(MariaDBError) {
            let its = configuration
            errno = 0
            let opened = mysql_real_connect(
                handle, its.socketPath == nil ? its.host : nil, its.user, its.password ?? "",
                its.database.isEmpty ? nil : its.database, UInt32(its.port), its.socketPath, 0)
            let number = errno
            guard opened != nil else { throw error(of: handle, number) }
            // The library makes its sockets without it. A child that is started in between closes what it inherits.
            _ = fcntl(mysql_get_socket(handle), F_SETFD, FD_CLOEXEC)
            // Without `verify` the library enforces nothing, and goes on in the clear with a server that has no TLS.
            if its.socketPath == nil, its.tls != nil, mysql_get_ssl_cipher(handle) == nil {
                throw MariaDBError(.refused, "TLS is required, and the server does not have it", server: its.address)
            }
        }

        private func prepare(_ handle: Handle) throws(MariaDBError) {
            // A server that was told to ignore the client's character set ignores the option, but not the statement.
            // Autocommit may be off by the server's settings.
            for statement in [
                "SET NAMES utf8mb4", "SET SESSION autocommit = 1",
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            ] {
                errno = 0
                let failed = mysql_query(handle, statement) != 0
                let number = errno
                if failed { throw error(of: handle, number) }
            }
        }

        private func error(of handle: Handle, _ number: Int32) -> MariaDBError {
            var failure = Failure(handle, number)
            let code = failure.code
            if failure.timedOut {
                failure.message = "no answer within \(configuration.connectTimeout) s: \(failure.message)"
            } else if 2002...2004 ~= code {
                // 115 is EINPROGRESS, with which every attempt begins; why it failed the library does not keep.
                failure.message = "no connection: \(failure.message.replacing(" (115)", with: ""))"
            }
            return failure.error(at: configuration, connecting: true)
        }
    }
#endif
