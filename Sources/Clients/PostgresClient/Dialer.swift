#if Postgres
    import BlockingConnection
    import CPostgres
    import Glibc

    /// Opens connections; on the session's thread, as everything here that has a handle.
    struct Dialer {
        /// Debian's and Fedora's; the library knows them by itself from its version 16 on only.
        private static let authorities = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]

        let configuration: PostgresConfiguration
        let deadline: Deadline

        /// Opens a connection that blocks nobody.
        func dial(_ notices: Notices) throws(PostgresError) -> Handle {
            if let flaw = configuration.flaw ?? missingFile() {
                throw PostgresError(.badConfiguration, flaw, server: configuration.address)
            }
            guard let handle = start() else {
                throw PostgresError(.unreachable, "there is no memory for a connection", server: configuration.address)
            }
            // The text of a failure then has its code.
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            notices.attend(handle)
            do throws(PostgresError) {
                try connect(handle)
                return handle
            } catch {
                PQfinish(handle)
                throw error
            }
        }

        private func connect(_ handle: Handle) throws(PostgresError) {
            var events = POLLOUT
            if PQstatus(handle) == CONNECTION_BAD { throw PostgresError(connecting: handle, at: configuration) }
            while true {
                guard deadline.wait(for: events, of: PQsocket(handle)) else {
                    throw PostgresError(
                        .unreachable, "no answer within \(configuration.connectTimeout) s",
                        server: configuration.address)
                }
                switch PQconnectPoll(handle) {
                case PGRES_POLLING_OK:
                    PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
                    PQsetnonblocking(handle, 1)
                    return
                case PGRES_POLLING_READING: events = POLLIN
                case PGRES_POLLING_WRITING: events = POLLOUT
                default: throw PostgresError(connecting: handle, at: configuration)
                }
            }
        }

        private func start() -> Handle? {
            // The library copies them.
            var keywords = settings.map { strdup($0.0) }
            var values = settings.map { strdup($0.1) }
            defer { for text in keywords + values { free(text) } }
            keywords.append(nil)
            values.append(nil)
            return keywords.map { UnsafePointer($0) }.withUnsafeBufferPointer { keywords in
                values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                    PQconnectStartParams(keywords.baseAddress, values.baseAddress, 0)
                }
            }
        }

        /// Parameters of libpq (its documentation, 34.1.2); an empty one counts as not set.
        private var settings: [(String, String)] {
            let its = configuration
            let verifies = its.tls.mode == .verifyCA || its.tls.mode == .verifyFull
            return [
                ("host", its.host), ("port", "\(its.port)"), ("user", its.user), ("password", its.password ?? ""),
                ("dbname", its.database), ("sslmode", its.tls.mode.rawValue),
                ("sslrootcert", its.tls.caFile ?? (verifies ? Self.systemAuthorities : "")),
                ("sslcert", its.tls.certificateFile ?? ""), ("sslkey", its.tls.keyFile ?? ""),
                ("options", its.isPooled ? "" : options), ("gssencmode", "disable"), ("client_encoding", "UTF8"),
                ("application_name", its.applicationName),
                // Of an idle connection that a dead machine has left, and of one at work.
                ("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
                ("keepalives_count", "3"),
                ("tcp_user_timeout", "\((its.statementTimeout + 1) * 1000)"),
                // Otherwise it is ~/.pgpass; the library complains on stderr about a file that is none.
                ("passfile", "/dev/null/none"),
            ]
        }

        /// Settings of the session, which stand above those of server, database and user.
        private var options: String {
            let time = configuration.statementTimeout * 1000
            var all = [
                "TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "postgres", "bytea_output": "hex",
                "extra_float_digits": "1", "default_transaction_isolation": "read committed",
                "default_transaction_read_only": "off", "client_min_messages": "warning",
                "statement_timeout": "\(time)", "idle_in_transaction_session_timeout": "\(time)",
            ]
            all.merge(configuration.settings) { _, own in own }
            // A space within a value is escaped, and so is what escapes it (libpq's documentation, 34.1.2).
            return all.sorted { $0.key < $1.key }.map { name, value in
                "-c \(name)=" + value.replacing("\\", with: #"\\"#).replacing(" ", with: #"\ "#)
            }.joined(separator: " ")
        }

        static var systemAuthorities: String {
            authorities.first { access($0, R_OK) == 0 } ?? authorities[0]
        }

        /// Names a file that cannot be read: the library would in the middle of a connection, and not every file.
        private func missingFile() -> String? {
            guard !configuration.isLocal, configuration.tls.mode != .disable else { return nil }
            let tls = configuration.tls
            for case let file? in [tls.caFile, tls.certificateFile, tls.keyFile] where access(file, R_OK) != 0 {
                return "\(file): \(String(cString: strerror(errno)))"
            }
            return nil
        }
    }
#endif
