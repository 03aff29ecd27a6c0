#if Mail
    import BlockingConnection
    import Synchronization

    /// Sends mails through one SMTP server, on a thread of its own, one at a time; each has a connection of its own.
    ///
    /// There is no backoff: whoever sends again and again waits in between.
    public final class MailClient: Sendable {
        public let configuration: MailConfiguration
        private let thread: BlockingConnection<Void>

        /// Connects to nobody yet. Throws `Kind.badConfiguration`, and `Kind.unreachable` when the system has no thread
        /// to spare.
        public init(_ configuration: MailConfiguration) throws(MailError) {
            if let flaw = configuration.flaw {
                throw MailError(.badConfiguration, flaw, server: configuration.address)
            }
            self.configuration = configuration
            do {
                thread = try BlockingConnection(name: "smtp:\(configuration.port)") {}
            } catch {
                throw MailError(.unreachable, "\(error)", server: configuration.address)
            }
        }

        /// Returns when the server has taken the mail for one recipient at least; answers what it said to those it
        /// refused, nil when it took all.
        ///
        /// Cancelling the task ends it within seconds, but for the look-up of a name, which ends by the resolver's
        /// own time-out (resolv.conf(5)).
        @discardableResult
        public func send(_ message: MailMessage) async throws(MailError) -> String? {
            let isCancelled = Flag()
            let result = await withTaskCancellationHandler {
                await send(message, isCancelled)
            } onCancel: {
                isCancelled.set()
            }
            return try result.get()
        }

        private func send(_ message: MailMessage, _ isCancelled: Flag) async -> Result<String?, MailError> {
            let configuration = configuration
            do {
                return .success(
                    try await thread.call { _ in
                        try Transfer(configuration, message, isCancelled: { isCancelled.isSet }).perform()
                    })
            } catch let error as MailError {
                return .failure(error)
            } catch {
                return .failure(MailError(.closed, "the client is closed", server: configuration.address))
            }
        }

        /// Refuses further mails at once with `Kind.closed`, also those that wait; returns when the one that is on its
        /// way has ended, at the latest by its time-outs.
        public func close() async {
            thread.close()
            await thread.closed()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
#endif
