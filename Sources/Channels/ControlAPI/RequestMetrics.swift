import CoreMetrics

/// Counts requests by the route that serves them, however many paths it has; all that it needs is made before the first one.
struct RequestMetrics: Sendable {
    private struct Route: Sendable {
        /// By the first digit of the status, from 2 on.
        let requests: [Counter]
        let length: Timer?
    }

    private let routes: [Route]
    /// Of requests that no endpoint serves.
    private let unrouted: Route
    /// Answers without an end that are open.
    let streams: Meter

    init(_ endpoints: [Endpoint], _ factory: any MetricsFactory) {
        let requests = { (route: String, method: String) in
            (2...5).map { digit in
                Counter(
                    label: "carillon_http_requests_total",
                    dimensions: [("route", route), ("method", method), ("code", "\(digit)xx")], factory: factory)
            }
        }
        routes = endpoints.map { endpoint in
            let labels = [("route", endpoint.path), ("method", endpoint.method.rawValue)]
            return Route(
                requests: requests(endpoint.path, endpoint.method.rawValue),
                length: Timer(
                    label: "carillon_http_request_duration_seconds", dimensions: labels, factory: factory))
        }
        unrouted = Route(requests: requests("none", "any"), length: nil)
        streams = Meter(label: "carillon_http_streams", factory: factory)
        streams.increment(by: 0)
    }

    /// Counts an answer of an endpoint, by its place among them, that took so many microseconds.
    func answered(_ endpoint: Int, _ status: Int, after length: Int64) {
        count(routes[endpoint], status)
        routes[endpoint].length?.recordNanoseconds(length &* 1_000)
    }

    func refused(_ status: Int) { count(unrouted, status) }

    private func count(_ route: Route, _ status: Int) {
        let place = status / 100 - 2
        if route.requests.indices.contains(place) { route.requests[place].increment() }
    }
}
