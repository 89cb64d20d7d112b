{# Fails with the rows whose value is below zero; null is no value. #}
{% test not_negative(model, column_name) %}
select * from {{ model }} where {{ column_name }} < 0
{% endtest %}
