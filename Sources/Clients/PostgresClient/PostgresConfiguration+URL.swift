#if Postgres
    import BlockingConnection
    import CPostgres

    extension PostgresConfiguration {
        /// Takes `postgres://[user[:password]@][host][:port][/database][?parameter=value&…]`, also `postgresql://`, as libpq
        /// does (its documentation, 34.1.1.2).
        ///
        /// Without a host it is the socket in `/var/run/postgresql`. The parameters are `sslmode`, `sslrootcert` (`system` for
        /// the system's authorities), `sslcert`, `sslkey`, `connect_timeout`, `application_name`, and those that are
        /// another way to write the parts before. Throws `Kind.badConfiguration` with a text that repeats nothing of
        /// the URL but names of parameters, since a part in the wrong place may be its password.
        public init(url: String) throws(PostgresError) {
            guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
                throw Self.bad("it begins with none of postgres:// and postgresql://")
            }
            guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
                throw Self.bad("it has a space or a control character in it")
            }
            self.init(host: "/var/run/postgresql", user: "")
            var complaint: UnsafeMutablePointer<CChar>?
            guard let options = PQconninfoParse(url, &complaint) else {
                defer { PQfreemem(complaint) }
                // Behind the colon the library repeats the part that it does not understand.
                let text = complaint.map { String(cString: $0) } ?? "there is no memory"
                throw Self.bad(
                    text.prefix { $0 != ":" && $0 != "\"" && !$0.isNewline }
                        + "; in user and password write : / ? @ % as %3A %2F %3F %40 %25")
            }
            defer { PQconninfoFree(options) }
            var option = options
            while let keyword = option.pointee.keyword {
                if let value = option.pointee.val { try take(String(cString: value), for: String(cString: keyword)) }
                option += 1
            }
            if let flaw { throw Self.bad(flaw) }
        }

        private mutating func take(_ value: String, for keyword: String) throws(PostgresError) {
            switch keyword {
            case "host": host = value
            case "port": port = try Self.number(value, keyword)
            case "user": user = value
            case "password": password = value.isEmpty ? nil : value
            case "dbname": database = value
            case "sslmode":
                guard let mode = TLS.Mode(rawValue: value) else {
                    throw Self.bad("sslmode is none of disable, allow, prefer, require, verify-ca and verify-full")
                }
                tls.mode = mode
            case "sslrootcert": tls.caFile = value == "system" ? nil : value
            case "sslcert": tls.certificateFile = value
            case "sslkey": tls.keyFile = value
            case "connect_timeout": connectTimeout = try Self.number(value, keyword)
            case "application_name": applicationName = value
            default: throw Self.bad("the parameter \(keyword) is not taken")
            }
        }

        private static func number(_ text: String, _ keyword: String) throws(PostgresError) -> Int {
            guard let number = Int(text) else { throw bad("\(keyword) is no number") }
            return number
        }

        private static func bad(_ what: some StringProtocol) -> PostgresError {
            PostgresError(.badConfiguration, "not the address of a PostgreSQL server: \(what)", server: "")
        }
    }
#endif
