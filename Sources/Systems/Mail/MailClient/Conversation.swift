#if Mail
    import CCurl

    /// What of the talk with a server explains its end: the replies that refuse, and what they refused.
    struct Conversation {
        private struct Refusal {
            /// `RCPT`, for instance; nothing of what follows it, which may be the login.
            var verb: String
            var reply: String
            var isForGood: Bool
        }

        private var verb = ""
        private var refusals: [Refusal] = []

        mutating func hear(_ kind: curl_infotype, _ bytes: UnsafeRawBufferPointer) {
            switch kind {
            case CURLINFO_HEADER_OUT:
                // What answers within a login is no command.
                let word = String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
                if ["AUTH", "MAIL", "RCPT", "DATA"].contains(word) { verb = word }
            case CURLINFO_HEADER_IN:
                guard let first = bytes.first, first == UInt8(ascii: "4") || first == UInt8(ascii: "5"),
                    refusals.count < 100
                else { return }
                // A server's text is its own: no more of it than a line, and nothing that moves a terminal's cursor.
                let text = String(decoding: bytes.prefix(300), as: UTF8.self).trimmed
                let plain = String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 })
                refusals.append(
                    Refusal(verb: verb, reply: String(plain), isForGood: first == UInt8(ascii: "5")))
            default: break
            }
        }

        func refusedRecipients(_ configuration: MailConfiguration) -> String? {
            let replies = refusals.filter { $0.verb == "RCPT" }.map(\.reply)
            return replies.isEmpty ? nil : Self.plain(replies.joined(separator: "; "), configuration)
        }

        /// Makes an error; `library` is the library's own sentence, with no text of the server but a reply's number.
        func error(_ code: CURLcode, library: String, _ configuration: MailConfiguration) -> MailError {
            let why = library.isEmpty ? String(cString: curl_easy_strerror(code)) : library
            let (kind, message) = meaning(of: code, why)
            return MailError(kind, Self.plain(message, configuration), server: configuration.address)
        }

        private func meaning(of code: CURLcode, _ why: String) -> (MailError.Kind, String) {
            switch code {
            case CURLE_ABORTED_BY_CALLBACK: return (.cancelled, "the sending was cancelled")
            case CURLE_OPERATION_TIMEDOUT: return (.timedOut, "no answer in time: \(why)")
            case CURLE_USE_SSL_FAILED: return (.refused, "TLS is required, and the server does not offer it")
            case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR: return (.refused, "TLS failed: \(why)")
            case CURLE_SSL_CACERT_BADFILE: return (.badConfiguration, "the file of certificate authorities: \(why)")
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: return (.unreachable, "no connection: \(why)")
            default: break
            }
            guard let last = refusals.last else {
                return code == CURLE_LOGIN_DENIED
                    ? (.refused, "the login failed: \(why)") : (.unreachable, "the connection failed: \(why)")
            }
            let what =
                switch last.verb {
                case "AUTH": "the login"
                case "MAIL": "the sender"
                case "RCPT": "every recipient"
                case "DATA": "the mail"
                default: "the connection"
                }
            return last.isForGood
                ? (.refused, "the server refuses \(what): \(last.reply)")
                : (.putOff, "the server puts \(what) off: \(last.reply)")
        }

        /// Keeps the password out of a text: no server repeats it; one that did would not get it into a log.
        private static func plain(_ text: String, _ configuration: MailConfiguration) -> String {
            guard let password = configuration.password, !password.isEmpty else { return text }
            let login = "\0\(configuration.user ?? "")\0\(password)"
            let secrets = [password, Base64.encode(Array(password.utf8)), Base64.encode(Array(login.utf8))]
            return secrets.contains(where: text.contains)
                ? "the server refuses (its text has the password in it)" : text
        }
    }
#endif
