#if Postgres
    import BlockingConnection
    import CPostgres

    extension PostgresError {
        /// Says what a statement failed with.
        init(_ answer: Answer, at configuration: PostgresConfiguration) {
            let text = { (field: UnsafePointer<CChar>?) in field.map { String(cString: $0) } ?? "" }
            let state = text(carillon_postgres_sqlstate(answer))
            let severity = text(carillon_postgres_severity(answer))
            let message = text(carillon_postgres_message(answer))
            let kind: Kind =
                switch state {
                // The library's own, and the server's last word on this connection.
                case "": .lost
                case _ where severity == "FATAL" || severity == "PANIC": .lost
                case "57014": .timedOut
                case "42501": .refused
                default: .statement
                }
            self.init(
                kind, message.isEmpty ? Self.tidy(text(PQresultErrorMessage(answer))) : message, sqlState: state,
                server: configuration.address)
        }

        /// Says what ended an exchange.
        init(_ failure: Exchange.Failure, _ handle: Handle, at configuration: PostgresConfiguration) {
            switch failure {
            case .lost: self.init(.lost, Self.text(of: handle), server: configuration.address)
            case .timedOut:
                self.init(
                    .timedOut, "no answer within \(configuration.statementTimeout) s, nor a second later",
                    server: configuration.address)
            }
        }

        /// Says why there is no connection; the handle's errors are verbose.
        ///
        /// The library keeps no code of it, but its text has the server's: `FATAL:  28P01: password authentication…`.
        init(connecting handle: Handle, at configuration: PostgresConfiguration) {
            var message = Self.text(of: handle)
            var state = ""
            if let found = message.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) {
                state = String(found.1)
                message = message.replacing(":  \(state): ", with: ": ")
            }
            let kind: Kind =
                switch state {
                case "": Self.isRefusal(message, handle) ? .refused : .unreachable
                // No room for another connection; starting, stopping or restarting.
                case _ where state.hasPrefix("53") || state.hasPrefix("57P"): .unreachable
                default: .refused
                }
            self.init(kind, message, sqlState: state, server: configuration.address)
        }

        /// Tells a refusal by the words of fe-secure-openssl.c and fe-connect.c, which are always English here.
        private static func isRefusal(_ message: String, _ handle: Handle) -> Bool {
            let words = ["certificate", "SSL error", "does not support SSL", "private key"]
            return PQconnectionNeedsPassword(handle) != 0 || words.contains { message.contains($0) }
        }

        /// Reads the library's last word on a connection.
        static func text(of handle: Handle) -> String { tidy(String(cString: PQerrorMessage(handle))) }

        /// Puts a text on one line, without the server's own place in its source.
        private static func tidy(_ text: String) -> String {
            let lines = text.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == "\t" || $0 == " " }) }
                .filter { !$0.hasPrefix("LOCATION:") }
            return lines.isEmpty
                ? "the connection failed, and the library does not say why" : lines.joined(separator: " ")
        }
    }
#endif
