#if MongoDB
    import BlockingConnection
    import CMongoDB

    extension MongoError {
        /// Says what a call failed with; `reply` is the server's own answer, where there is one, and `took` how long the call
        /// took.
        init(
            _ error: bson_error_t, reply: BSONDocument?, took: Duration = .zero, at configuration: MongoConfiguration
        ) {
            let text = Self.tidy(error.text, configuration)
            let server = configuration.address
            let domain = mongoc_error_domain_t(error.domain)
            let code = Int(error.code)
            switch domain {
            case MONGOC_ERROR_SERVER, MONGOC_ERROR_WRITE_CONCERN:
                // It stands at the primary, and is not known to have reached the others.
                if domain == MONGOC_ERROR_WRITE_CONCERN || reply?["writeConcernErrors"]?.array?.isEmpty == false {
                    self.init(.timedOut, text, code: code, server: server)
                } else {
                    self.init(code: code, text, pattern: reply, at: configuration)
                }
            case MONGOC_ERROR_SERVER_SELECTION:
                self.init(Self.isRefusal(text) ? .refused : .unreachable, text, server: server)
            case MONGOC_ERROR_STREAM:
                switch mongoc_error_code_t(error.code) {
                case MONGOC_ERROR_STREAM_NAME_RESOLUTION, MONGOC_ERROR_STREAM_CONNECT,
                    MONGOC_ERROR_STREAM_NOT_ESTABLISHED:
                    self.init(.unreachable, text, server: server)
                default:
                    // The library has one word for both.
                    let isSlow = took >= configuration.callTimeout
                    self.init(isSlow ? .timedOut : .lost, text, server: server)
                }
            case MONGOC_ERROR_CLIENT where mongoc_error_code_t(error.code) == MONGOC_ERROR_CLIENT_AUTHENTICATE,
                MONGOC_ERROR_SASL, MONGOC_ERROR_SCRAM:
                self.init(.refused, text, server: server)
            case MONGOC_ERROR_PROTOCOL: self.init(.lost, text, server: server)
            default: self.init(.statement, text, server: server)
            }
        }

        /// Says what the server means by a code.
        init(code: Int, _ message: String, pattern: BSONDocument?, at configuration: MongoConfiguration) {
            let message = Self.tidy(message, configuration)
            let kind: Kind =
                switch code {
                case MongoCode.duplicate: .duplicate
                case MongoCode.timeLimit: .timedOut
                case MongoCode.unauthorized, MongoCode.authenticationFailed: .refused
                case _ where MongoCode.elsewhere.contains(code): .unreachable
                case _ where MongoCode.interrupted.contains(code): .lost
                default: .statement
                }
            self.init(
                kind, message, code: code, server: configuration.address,
                duplicate: kind == .duplicate ? MongoDuplicate(message, pattern) : nil)
        }

        /// Tells a refusal by the words of mongoc-topology.c and mongoc-stream-tls-openssl.c, which are always English.
        private static func isRefusal(_ message: String) -> Bool {
            message.contains("TLS handshake failed") || message.contains("Failed certificate verification")
        }

        /// Puts a text on one line, without any secret of the configuration.
        static func tidy(_ text: String, _ configuration: MongoConfiguration) -> String {
            let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
            let shown = configuration.secrets.reduce(line) { $0.replacing($1, with: "…") }
            return shown.isEmpty ? "the call failed, and the library does not say why" : shown
        }
    }

    extension bson_error_t {
        /// The library's own words.
        var text: String { withUnsafePointer(to: self) { String(cString: carillon_mongo_text($0)) } }
    }

    extension MongoDuplicate {
        /// Reads `E11000 duplicate key error collection: db.name index: name dup key: { … }` and the pattern beside it.
        init(_ message: String, _ failure: BSONDocument?) {
            let name = message.firstMatch(of: #/ index: (\S+) dup key/#).map { String($0.1) }
            let pattern = failure?["keyPattern"]?.document
            self.init(index: name ?? "", fields: pattern.map { $0.map(\.name) } ?? [])
        }
    }
#endif
