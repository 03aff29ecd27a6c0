public import Timetable

/// Who takes a mail to a server.
public protocol MailSender: Sendable {
    /// Returns when somebody has taken the mail; answers what was not quite well, for the log.
    ///
    /// Cancelling the task ends it soon, whether or not the mail was taken.
    func send(subject: String, text: String, at now: Timestamp) async throws -> String?
}

#if Mail
    public import MailClient

    /// Sends to the same people through one SMTP server.
    public struct SMTPSender: MailSender {
        private let client: MailClient
        private let from: Mailbox
        private let to: [Mailbox]

        /// Connects to nobody yet. Throws `MailError.Kind.badConfiguration` for what is no address, for instance.
        public init(_ configuration: MailConfiguration, from: String, to: [String]) throws(MailError) {
            func mailbox(_ text: String) throws(MailError) -> Mailbox {
                if let mailbox = Mailbox(text) { return mailbox }
                throw MailError(
                    .badConfiguration, "\"\(text)\" is no mail address such as ops@example.com",
                    server: configuration.address)
            }
            self.from = try mailbox(from)
            var people: [Mailbox] = []
            for text in to { people.append(try mailbox(text)) }
            self.to = people
            if to.isEmpty {
                throw MailError(.badConfiguration, "the mail is for nobody", server: configuration.address)
            }
            client = try MailClient(configuration)
        }

        public func send(subject: String, text: String, at now: Timestamp) async throws -> String? {
            let message = MailMessage(from: from, to: to, subject: subject, text: text, date: now.seconds)
            return try await client.send(message).map { "some recipients were refused: \($0)" }
        }
    }
#endif
