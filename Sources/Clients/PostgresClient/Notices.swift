#if Postgres
    import CPostgres
    import Logging

    /// What a server says beside its answers goes to the log; the library would write it to stderr.
    final class Notices {
        private let logger: Logger

        init(_ logger: Logger) { self.logger = logger }

        /// Logs the notices of a connection; this value must live as long as the handle.
        func attend(_ handle: Handle) {
            let receiver: PQnoticeReceiver = { raw, answer in
                guard let raw, let answer, let text = carillon_postgres_message(answer) else { return }
                Unmanaged<Notices>.fromOpaque(raw).takeUnretainedValue().logger
                    .debug("the server says", metadata: ["notice": "\(String(cString: text))"])
            }
            PQsetNoticeReceiver(handle, receiver, Unmanaged.passUnretained(self).toOpaque())
        }
    }
#endif
