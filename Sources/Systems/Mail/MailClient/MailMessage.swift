#if Mail
    import Glibc

    /// One mail of plain text.
    public struct MailMessage: Sendable {
        public var from: Mailbox
        /// One at least.
        public var to: [Mailbox]
        /// Any text; controls, line breaks among them, become spaces.
        public var subject: String
        /// Any text, its lines ended by `\n`, `\r\n` or `\r`.
        public var text: String
        /// Seconds since 1970.
        public var date: Int64
        /// What stands before the @ of its Message-ID; letters and digits.
        let id: String

        public init(from: Mailbox, to: [Mailbox], subject: String, text: String, date: Int64) {
            self.from = from
            self.to = to
            self.subject = subject
            self.text = text
            self.date = date
            id = String(UInt64.random(in: 0 ... .max), radix: 36) + String(UInt64.random(in: 0 ... .max), radix: 36)
        }

        /// RFC 5322, with CRLF. A line that begins with a dot is as it is: the C library adds the second one.
        var encoded: [UInt8] {
            let body = MailBody(text)
            let headers = [
                "Date: " + Self.date(date), "From: " + from.header,
                "To: " + to.map(\.header).joined(separator: ",\r\n "),
                "Message-ID: <\(id)@\(domain)>", "Subject: " + EncodedWords.header(subject), "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: \(body.encoding)",
                // RFC 3834: nobody's absence is answered to a program.
                "Auto-Submitted: auto-generated",
            ]
            return Array((headers.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body.bytes
        }

        /// The sender's, so that the id is unique without this machine's name in it.
        private var domain: String {
            guard let at = from.address.firstIndex(of: "@") else { return "localhost" }
            return String(from.address[from.address.index(after: at)...])
        }

        /// Writes `Sat, 21 Nov 2026 12:00:00 +0000` (RFC 5322, 3.3), in English whatever the locale.
        private static func date(_ seconds: Int64) -> String {
            let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
            let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
            return "\(days[Int(parts.tm_wday)]), \(parts.tm_mday) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) "
                + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) +0000"
        }
    }
#endif
