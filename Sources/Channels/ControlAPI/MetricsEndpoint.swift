package import CarillonMetrics

extension Endpoint {
    /// What Prometheus reads. It asks neither the engine nor the store, so it is answered whatever these do.
    package static func metrics(_ registry: MetricsRegistry, isOpen: Bool) -> Endpoint {
        Endpoint(
            .get, "/metrics", isOpen ? nil : .systemRead, "Figures for Prometheus, as text or OpenMetrics.",
            Success(200, "Figures.", type: "text/plain; version=0.0.4; charset=utf-8")
        ) { call in
            let format = MetricsFormat(accepting: call.headers["accept"])
            var answer = Answer(200, Array(registry.text(format).utf8))
            answer.type = format.contentType
            answer.headers = [("vary", "accept")]
            return answer
        }
    }
}
