package import CarillonEngine

extension Endpoint {
    /// What is served whatever else is: whether the daemon is well.
    package static func ofDaemon(_ desk: @escaping @Sendable (Order, Caller) async -> Reply) -> [Endpoint] {
        let channel = Caller(channel: "api")
        return [
            Endpoint(.get, "/healthz", nil, "Whether the daemon turns; asks no store.", .json(HealthView.self)) { _ in
                guard case .done = await desk(.ping, channel) else {
                    throw APIError(503, "unavailable", "the daemon does not turn")
                }
                return Answer(200, Array(#"{"status":"OK"}"#.utf8))
            },
            Endpoint(
                .get, "/readyz", nil, "Whether the store answers, and every feed has been read once.",
                .json(HealthView.self)
            ) { _ in
                guard case .status(let status) = await desk(.status, channel), status.ready else {
                    throw APIError(503, "unavailable", "not every feed has been read yet, or the store does not answer")
                }
                return Answer(200, Array(#"{"status":"OK"}"#.utf8))
            },
        ]
    }
}
