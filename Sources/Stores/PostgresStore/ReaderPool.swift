#if Postgres
    import BlockingConnection
    import Logging
    import PostgresClient

    /// Connections that read: one that stays, and more while it is busy.
    actor ReaderPool {
        private let configuration: PostgresConfiguration
        private let most: Int
        private let logger: Logger
        private var idle: [PostgresClient] = []
        private var used = 0
        private var isClosed = false
        /// Those who wait for one to come back.
        private var waiters: [CheckedContinuation<Void, Never>] = []

        init(_ configuration: PostgresConfiguration, most: Int, logger: Logger) {
            self.configuration = configuration
            self.most = most
            self.logger = logger
        }

        nonisolated func use<Value: Sendable>(
            _ body: @Sendable (PostgresClient) async throws -> Value
        ) async throws -> Value {
            let client = try await take()
            do {
                let value = try await body(client)
                await give(client)
                return value
            } catch {
                await give(client)
                throw error
            }
        }

        private func take() async throws(PostgresError) -> PostgresClient {
            while used >= most, !isClosed { await withCheckedContinuation { waiters.append($0) } }
            if isClosed { throw PostgresError(.closed, "the store is closed", server: configuration.address) }
            if let client = idle.popLast() {
                used += 1
                return client
            }
            used += 1
            do {
                return try PostgresClient(configuration, logger: logger)
            } catch {
                free()
                throw error
            }
        }

        private func give(_ client: PostgresClient) async {
            if idle.isEmpty, !isClosed { idle.append(client) } else { await client.close() }
            free()
        }

        private func free() {
            used -= 1
            if !waiters.isEmpty { waiters.removeFirst().resume() }
        }

        func close() async {
            isClosed = true
            for waiter in waiters { waiter.resume() }
            waiters = []
            let clients = idle
            idle = []
            for client in clients { await client.close() }
        }
    }
#endif
