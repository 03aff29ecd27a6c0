#if Postgres
    import BlockingConnection
    import CPostgres
    import Glibc

    typealias Handle = OpaquePointer
    typealias Answer = OpaquePointer

    /// What was asked on a connection and its answer; never waits past the deadline, and never but in poll(2).
    struct Exchange {
        enum Failure: Error {
            /// The library says why.
            case lost
            case timedOut
        }

        let handle: Handle
        let deadline: Deadline

        /// Sends what the library holds back.
        ///
        /// It reads meanwhile: a server that waits for its own answer to be read takes nothing.
        func flush() throws(Failure) {
            while true {
                switch PQflush(handle) {
                case 0: return
                case 1: try wait(for: POLLIN | POLLOUT)
                default: throw .lost
                }
                guard PQconsumeInput(handle) != 0 else { throw .lost }
            }
        }

        /// Waits for the next result, to be freed with PQclear; nil after the last.
        func next() throws(Failure) -> Answer? {
            while PQisBusy(handle) != 0 {
                try wait(for: POLLIN)
                guard PQconsumeInput(handle) != 0 else { throw .lost }
            }
            return PQgetResult(handle)
        }

        private func wait(for events: Int32) throws(Failure) {
            guard deadline.wait(for: events, of: PQsocket(handle)) else { throw .timedOut }
        }
    }
#endif
