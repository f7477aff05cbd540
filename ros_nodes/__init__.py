"""The autonomy: thin rclpy nodes around pure cores in `navigation`, and the world on a desk in
`simulation`."""
