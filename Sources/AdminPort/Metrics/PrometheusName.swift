extension String {
  /// The text as a name of Prometheus' (https://prometheus.io/docs/concepts/data_model): ASCII letters, digits and
  /// underscores, of which a digit is not the first. What else there is becomes an underscore.
  ///
  /// Colons, which a metric's name may have, are for the rules of whoever scrapes.
  var prometheusName: String {
    var name = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
      case "0"..."9": name += name.isEmpty ? "_\(scalar)" : "\(scalar)"
      default: name += "_"
      }
    }
    return name.isEmpty ? "_" : name
  }
}
